"""Every instruction's table: arguments, texts that follow it, and texts that do not (wrong, nearly right, tricks)."""

# ruff: noqa: RUF001 - typographic marks and other scripts are what this is about

from __future__ import annotations

import numpy as np
import pytest

from gym_llm.envs.instruction_following import arguments
from gym_llm.envs.instruction_following import task as _declares  # noqa: F401 - fills the registry
from gym_llm.envs.instruction_following.registry import INSTRUCTIONS

REQUEST = "Tell me how a lighthouse works."
AT_LEAST, LESS = "at least", "less than"
CAPITALS = (
    "Reykjavík, Helsinki, Oslo, Tallinn, Stockholm, Riga, Moscow, Copenhagen, Vilnius, Minsk, Dublin, Berlin, "
    "Amsterdam, Warsaw, London, Brussels, Prague, Luxembourg, Paris, Vienna, Bratislava, Budapest, Vaduz, "
    "Chișinău, Bern, Ljubljana, Zagreb."
)
EN = "The river is long and it was cold in the morning."

IFEVAL = {
    "keywords:existence": [
        ({"keywords": ["cat", "ice cream"]}, ["A Cat eats ice\ncream."], ["A category of ice cream.", "A cat.", ""]),
        ({"keywords": ["c++"]}, ["I write C++ daily."], ["I write c daily.", "I write ccc."]),
        ({"keywords": ["天气"]}, ["今天天气很好"], ["今天很好"]),
    ],
    "keywords:frequency": [
        ({"keyword": "cat", "frequency": 2, "relation": AT_LEAST}, ["Cat, cat."], ["cat concatenate", "cats cat"]),
        ({"keyword": "cat", "frequency": 2, "relation": LESS}, ["one cat and cats", "none"], ["cat cat"]),
    ],
    "keywords:forbidden_words": [
        ({"forbidden_words": ["bad", "a.c"]}, ["badly done", "abc"], ["so BAD!", "an a.c here"]),
    ],
    "keywords:letter_frequency": [
        ({"letter": "Q", "let_frequency": 2, "let_relation": AT_LEAST}, ["Queen quit"], ["queen", ""]),
        ({"letter": "#", "let_frequency": 1, "let_relation": AT_LEAST}, ["# one"], ["one"]),
        ({"letter": "e", "let_frequency": 1, "let_relation": LESS}, ["who"], ["THE"]),
    ],
    "language:response_language": [
        ({"language": "de"}, ["Das war nicht der Weg nach Hause.", "DAS WAR NICHT SO."], [EN, "12 34", "..."]),
        ({"language": "zh"}, ["我喜欢读书。"], ["私は本が好きです。", EN]),
        ({"language": "hi"}, ["यह मेरा घर है और वह नहीं है"], ["हे माझे घर आहे आणि ते नाही", EN]),
        ({"language": "pt-BR"}, ["Eu não sei o que você quer fazer."], ["Yo no sé lo que tú quieres hacer.", EN]),
    ],
    "length_constraints:number_sentences": [
        (
            {"num_sentences": 3, "relation": AT_LEAST},
            [
                "One. Two! Three?",
                "We: 1. A cat. 2. A dog.",
                "I said no. He left. No. 5 was it.",
                "It is 3.5 m. Dr. Lee went. So did I.",
                "一。二。三。",
            ],
            ["Dr. A. B. Lee paid 3.50 e.g. for that. Yes.", "one\ntwo\nthree", "...."],
        ),
        ({"num_sentences": 2, "relation": LESS}, ["Mr. Smith vs. St. Paul."], ["Yes. No."]),
    ],
    "length_constraints:number_paragraphs": [
        (
            {"num_paragraphs": 2},
            ["One\n***\nTwo", "***\nOne\n***\nTwo\n***", "One *** Two"],
            ["One", "One\n***\n***\nTwo", "One\n***\nTwo\n***\nThree", "One\n\nTwo"],
        ),
    ],
    "length_constraints:number_words": [
        ({"num_words": 3, "relation": AT_LEAST}, ["one two three", "it's so"], ["one two", "- - -"]),
        ({"num_words": 3, "relation": LESS}, ["one two"], ["one two three"]),
    ],
    "length_constraints:nth_paragraph_first_word": [
        (
            {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "well"},
            ["One.\n\nWell, two.", '\n\nOne.\n\n\n"Well" two.'],
            ["Well, one.\n\nTwo.", "One.\nWell", "One.\n\nWellness", "One.\n\nWell\n\nThree"],
        ),
    ],
    "detectable_content:number_placeholders": [
        ({"num_placeholders": 2}, ["Dear [name] of [city]"], ["Dear [name]", "[[]] []", "[a\nb] [c"]),
    ],
    "detectable_content:postscript": [
        (
            {"postscript_marker": "P.S."},
            ["Bye.\nP.S. Call me", "Bye\np. s. yes"],
            ["Bye.", "Postscript", "PS", "P.S: no"],
        ),
        ({"postscript_marker": "P.P.S"}, ["Bye.\nP.P.S Call me", "P. P. S. x"], ["Bye.\nP.S. Call"]),
    ],
    "detectable_format:number_bullet_lists": [
        (
            {"num_bullets": 2},
            ["* one\n* two", "Text:\n- one\n  - two", "* **bold** one\n* two\n---"],
            ["* one", "* one\n* two\n* three", "**one**\n**two**", "---\n***", "one\ntwo"],
        ),
    ],
    "detectable_format:constrained_response": [
        ({}, ["My answer is yes.", "Well. My answer is maybe."], ["my answer is yes.", "My answer is yes", "Yes."]),
    ],
    "detectable_format:number_highlighted_sections": [
        ({"num_highlights": 2}, ["*one* and **two**", "*a* *b*"], ["*one*", "* * and **  **", "*one\ntwo* *x*"]),
    ],
    "detectable_format:multiple_sections": [
        (
            {"section_spliter": "Section", "num_sections": 2},
            ["Section 1\nx\nSection 2\ny", "SECTION 1 a section 2"],
            ["Section one\nSection two", "Section 1", "Subsection 1 Subsection 2"],
        ),
        ({"section_spliter": "(.*)", "num_sections": 2}, ["(.*) 1 (.*) 2"], ["a 1 b 2"]),
    ],
    "detectable_format:json_format": [
        (
            {},
            ['{"a": 1}', '```json\n{"a": 1}\n```', "```\n[]\n```", "5"],
            ["{a: 1}", "a", "{} x", "NaN", "[" * 200_000],
        ),
    ],
    "detectable_format:title": [
        ({}, ["<<Joy>>\nText"], ["<Joy>", "<< >>", "<<a\nb>>", "<<<<"]),
    ],
    "combination:two_responses": [
        (
            {},
            ["One\n******\nTwo", "******\nOne\n******\nTwo\n******"],
            ["One ****** One", "One", "One******", "One******Two******Three", "One***Two"],
        ),
    ],
    "combination:repeat_prompt": [
        ({"prompt_to_repeat": REQUEST}, [f"{REQUEST.upper()} It shines."], [f"Sure! {REQUEST}", "It shines."]),
    ],
    "startend:end_checker": [
        ({"end_phrase": "That is all."}, ["Yes. That is all.", '"Yes. that is ALL." '], ["That is all. Bye", "all."]),
    ],
    "change_case:capital_word_frequency": [
        ({"capital_frequency": 2, "capital_relation": AT_LEAST}, ["I SAW it", "NATO WELL-KNOWN x"], ["I saw", "Ab Cd"]),
        ({"capital_frequency": 2, "capital_relation": LESS}, ["One WORD"], ["TWO WORDS"]),
    ],
    "change_case:english_capital": [({}, [EN.upper()], [EN, "DAS WAR NICHT DER WEG.", "123"])],
    "change_case:english_lowercase": [({}, [EN.lower()], [EN, "das war nicht der weg.", "123"])],
    "punctuation:no_comma": [({}, ["one; two"], ["one, two", ","])],
    "startend:quotation": [({}, ['"Yes."', ' "Yes" \n'], ['"Yes', "Yes", '"', "'Yes'"])],
}

IF_RLVR = {
    "copy:repeat_phrase": [
        (
            {"phrase": "the old dog ran", "small_n": 2},
            ["the big dog ran, and the old cat ran."],
            [
                "the old dog ran the old cat ran the big dog ran",
                "the big dog ran",
                "the big cat ran the new cat ran",
                "the big dog ran the old cat ran the wet dog ran",
            ],
        ),
    ],
    "copy:copy": [({"prompt_to_repeat": REQUEST}, [REQUEST, REQUEST.upper() + "\n"], [REQUEST + " It", REQUEST[:-1]])],
    "copy:copying_simple": [({"prompt_to_repeat": REQUEST}, [f" {REQUEST}"], [f"{REQUEST} {REQUEST}", "Sure!"])],
    "copy:copying_multiple": [
        ({"prompt_to_repeat": "Go.", "N": 2}, ["Go. ****** go."], ["Go.", "Go.******Go.******Go.", "Go.******No."]),
    ],
    "new:copy_span_idx": [
        ({"prompt_to_repeat": "abcdef", "n_start": 0, "n_end": 2}, ["abc", "ABC "], ["ab", "abcd", "bcd"]),
    ],
    "detectable_format:sentence_hyphens": [
        ({}, ["One is here.-Two is there.", "A well-known one."], ["One is. Two is.", "One. -Two.", "One.- Two."]),
    ],
    "keywords:no_adjacent_consecutive": [({}, ["cat sat", "bee ate", "z a"], ["a bee", "Cat Dog", "x (yes)"])],
    "detectable_format:square_brackets": [({}, ["[One] [two.]"], ["[One two]", "[One] two", "[One] []", "[One]."])],
    "keywords:word_once": [({"keyword": "cat"}, ["A cat.", "cats, cat"], ["cat cat", "cats", "concatenate"])],
    "keywords:word_count_different_numbers": [
        ({"keyword": "cat", "frequency": 1, "relation": AT_LEAST}, ["cat"], ["cats"]),
        ({"keyword": "cat", "frequency": 1, "relation": LESS}, ["cats"], ["Cat!"]),
    ],
    "keywords:exclude_word_harder": [
        ({"keyword": "cat", "instruction": None}, ["concatenate", "dog"], ["A cat.", "Cat", "the CAT sat"]),
    ],
    "paragraphs:paragraphs": [({}, ["One\n***\nTwo"], ["One\n\nTwo", "One", "a *** b *** c"])],
    "paragraphs:paragraphs2": [({}, ["One\n\nTwo", "One\n \nTwo\n"], ["One\nTwo", "One\n\nTwo\n\nThree"])],
    "first_word:first_word_sent": [
        ({"first_word": "we"}, ["We go. We run!", '"We" go.'], ["We go. They run.", "Well.", "Went. We."]),
        ({"first_word": ["we"]}, ["We go."], ["Go."]),
    ],
    "first_word:first_word_answer": [({"first_word": "we"}, ["We go. They run."], ["They go.", "Well", "..."])],
    "last_word:last_word_sent": [
        ({"last_word": "home"}, ["Go home. Run home!"], ["Go home. Run.", "homes"]),
        ({"last_word": ["home"]}, ["Go home."], ["home go"]),
    ],
    "last_word:last_word_answer": [({"last_word": "home"}, ["Run. Go Home.", "home"], ["Home run", "homes", "..."])],
    "detectable_format:bigram_wrapping": [
        ({}, ["<<I am>> <<at home>>", "<<I am>> home"], ["I am", "<<I>> <<am>>", "<<I am at home>>", "one", "<< >>"]),
    ],
    "punctuation:punctuation_dot": [({}, ["One! Two"], ["One.", "3.5"])],
    "punctuation:punctuation_exclamation": [({}, ["One. Two"], ["One!"])],
    "count:lowercase_counting": [({"N": 2}, ["THE old Dog ran", "NO"], ["the old dog"])],
    "letters:letter_counting": [
        ({"N": 4, "relation": AT_LEAST}, ["abc d1"], ["abc 123", "àéîõ"]),
        ({"N": 4, "relation": LESS}, ["abc 123"], ["abcd"]),
    ],
    "letters:letter_counting2": [
        ({"letter": "b", "let_frequency": 2, "let_relation": AT_LEAST}, ["Bob"], ["ab"]),
        ({"letter": "b", "let_frequency": 2, "let_relation": LESS}, ["ab"], ["Bob"]),
    ],
    "count:counting_composition": [
        (
            {"n_sent": 2, "n_words": 2},
            ["I go. We run. * * * I go. We run. *** A, b. C d."],
            [
                "I go. We run.",
                "I go. We run. *** I go. *** I go. We run.",
                "I go now. We run. *** I go. We run. *** A b. C d.",
            ],
        ),
    ],
    "count:count_unique": [({}, ["One, two, three."], ["One one", "The dog and the cat", "!!"])],
    "count:count_increment_word": [
        ({"keyword1": "cat", "keyword2": "dog"}, ["cat dog Dog"], ["cat dog", "cat cat dog dog", "cats dog dog"]),
    ],
    "keywords:palindrome": [({}, ["A Level, please."], ["I am a bee", "12321", "levels"])],
    "keywords:keyword_specific_position": [
        (
            {"keyword": "cat", "n": 2, "m": 3},
            ["One. See, the Cat sat.", "One. See the cat."],
            ["See the cat.", "One. The cat.", "One. See the cats."],
        ),
    ],
    "keywords:start_end": [({}, ["Rain is rain", '"Rain" is rain'], ["Rain is rain.", "rain", "rain is sun"])],
}

IFBENCH = {
    "count:word_count_range": [({"min_words": 2, "max_words": 3}, ["a b", "a b c"], ["a", "a b c d"])],
    "count:unique_word_count": [({"N": 3}, ["one two three"], ["one One two", "one two - ."])],
    "ratio:stop_words": [({"percentage": 50}, ["the cat", "cat"], ["the of cat", "..."])],
    "ratio:sentence_type": [({}, ["A is. B is. Who?"], ["A is. Who?", "no mark", "Yes!"])],
    "ratio:sentence_balance": [({}, ["A is. Who? No!"], ["A is. Who?", "no mark", "A. B. C? D!"])],
    "count:conjunctions": [({"small_n": 2}, ["this and that, but"], ["And and", "sand butter"])],
    "count:person_names": [({"N": 2}, ["Emma and Liam"], ["Emma Emma", "emma liam", "Leon and Emmanuel"])],
    "ratio:overlap": [
        ({"reference_text": "abcdefghij", "percentage": 50}, ["abcdexyz"], ["abcdefghij", "zzz", "ab"]),
    ],
    "count:numbers": [({"N": 2}, ["3.5 and 1,000", "in 2 or 3"], ["3", "1 2 3", "one two"])],
    "words:alphabet": [({}, ["a big cat", "Xenia yawns, zebras act"], ["a cat", "cat big a", "1 2", "..."])],
    "words:vowel": [({}, ["a cat is red"], ["a cat is red now", "a cat\nis red", "..."])],
    "words:consonants": [({}, ["Fast trucks."], ["a truck", "The sea", "..."])],
    "sentence:alliteration_increment": [
        ({}, ["Rain fell. Big bears sat. Six silly sheep."], ["Big bears. Rain fell.", "Rain fell.", "A b. C d."]),
    ],
    "words:palindrome": [
        (
            {},
            ["Level radar civic kayak refer madam rotor stats tenet solos."],
            ["level " * 9, "noon " * 10, "12321 " * 10],
        ),
    ],
    "count:punctuation": [
        ({}, ["a, b; c: d. e! f? g?!", "a, b; c: d. e! f? g‽"], ["a, b; c: d?!", "a, b; c: d. e! f?"])
    ],
    "format:parentheses": [({}, ["([{([x])}])"], ["((((x))))", "(((((x", "([)]" * 5, "()()()()()"])],
    "format:quotes": [
        ({}, ['"a \'b "c" d\' e"', "I said “a ‘b “c” d’ e”"], ['"a" "b" "c"', "\"a 'b' c\"", "don't won't can't"]),
    ],
    "words:prime_lengths": [({}, ["is the river"], ["a cat", "four", "..."])],
    "format:options": [
        ({"options": "yes/no/maybe"}, ["Yes.", "no"], ["yes no", "Yes, because.", "y"]),
        ({"options": "I know or I don't know"}, ["I don't know."], ["I know or I don't know"]),
        ({"options": "a), b), c), d)"}, ["b)"], ["b", "B)", "a) b)"]),
    ],
    "format:newline": [({}, ["One\n\ntwo.\n"], ["One two", "One\ntwo three", "\n."])],
    "format:emoji": [({}, ["Hi there 😀. Bye 👋🏽!", "Hi. 😀 Bye. ❤️"], ["Hi there 😀. Bye.", "Hi there.", "😀 Hi"])],
    "ratio:sentence_words": [({}, ["Birds sing. Rivers run. Snow falls."], ["I go. I go. I go.", "One."])],
    "count:words_japanese": [({"N": 2}, ["one 二 three 四", "a 2 b 川"], ["one two", "二 two", "one"])],
    "words:start_verb": [({}, ["Consider this.", "Running helps."], ["The end.", "Happily", "..."])],
    "words:repeats": [({"small_n": 1}, ["one two"], ["One one."])],
    "sentence:keyword": [({"word": "cat", "N": 2}, ["One. A Cat!"], ["A cat. One.", "One. Cats.", "cat"])],
    "count:pronouns": [({"N": 2}, ["she/her", "I like it"], ["I like tea", "shed"])],
    "words:odd_even_syllables": [({}, ["the river runs under"], ["river under", "cat", "the cat"])],
    "words:last_first": [({}, ["I see rain. Rain falls."], ["I see rain. It falls.", "One."])],
    "words:paragraph_last_first": [({}, ["Rain is rain.\nSun is sun!"], ["Rain is rain.\nSun is.", "rain", "..."])],
    "sentence:increment": [({"small_n": 1}, ["I. We go. You go on."], ["I. You go on.", "One.", "We go. I."])],
    "words:no_consecutive": [({}, ["one cat sat"], ["one cat can", "One 'other'"])],
    "format:line_indent": [({}, ["a\n b\n\n  c"], ["a\nb", "a", "  a\n b", "a\n\tb"])],
    "format:quote_unquote": [
        ({}, ['"Yes" means so.', "“Yes” means so."], ['He says "yes".', '"Yes" "no" x', "No quotation."]),
    ],
    "format:list": [({"sep": "!?!?"}, ["!?!? a\n!?!? b"], ["!?!? a", "- a\n- b"])],
    "format:thesis": [
        ({}, ["<i>Rain falls.</i> It does.", "<EM>a</EM> b"], ["<i> </i> a", "<i>a</i>", "*a* b", "<i>a</em> b"])
    ],
    "format:sub-bullets": [({}, ["* a\n  - b\n* c\n  - d"], ["* a\n  - b\n* c", "no - list", "- a\n* b"])],
    "format:no_bullets_bullets": [
        ({}, ["One is. Two is.\n* a\n* b"], ["One is.\n* a\n* b", "One is. Two is.\n* a", "A. B.\n* a\n* b\nEnd."]),
    ],
    "custom:multiples": [
        ({}, ["14, 21, 28, 35, 42, 49", "14\n21 28 35 42 49"], ["7 14 21 28 35 42 49", "14 21 28 35 42"])
    ],
    "custom:mcq_count_length": [
        (
            {},
            ["\n".join(f"Question {n}: Who{' really' * n}?\nA) a\nB) b\nC) c\nD) d\nE) e" for n in range(1, 5))],
            [
                "Question 1: Who?",
                "\n".join(["Question 1: Who?\nA) a\nB) b\nC) c\nD) d\nE) e"] * 4),
                "Sure!\n"
                + "\n".join(f"Question {n}: Who{' x' * n}?\nA) a\nB) b\nC) c\nD) d\nE) e" for n in range(1, 5)),
            ],
        ),
    ],
    "custom:reverse_newline": [
        (
            {},
            ["\n".join(["Zimbabwe", *sorted((f"Land {a}{b}" for a in "abcdef" for b in "abcdefghi"), reverse=True)])],
            ["Zimbabwe\nZambia", "\n".join(["Zimbabwe"] * 60), "\n".join(f"Land {n}" for n in range(60))],
        ),
    ],
    "custom:word_reverse": [
        (
            {},
            ["Eagle bald the is it.", "eagle bald the is"],
            ["It is the bald eagle.", "eagle bald", "eagle bald is. It."],
        ),
    ],
    "custom:character_reverse": [({}, [".elgae dlab eht si tI"], ["bald eagle", "eagle bald", "elgaedlab"])],
    "custom:sentence_alphabet": [
        (
            {},
            [" ".join(f"{chr(65 + n)}n so." for n in range(26))],
            [" ".join(f"{chr(65 + n)}n so." for n in range(25)), " ".join(f"{chr(90 - n)}n." for n in range(26))],
        ),
    ],
    "custom:european_capitals_sort": [
        (
            {},
            [CAPITALS],
            ["Helsinki, Reykjavik", "Reykjavik, Helsinki, Oslo"],
        ),
    ],
    "custom:csv_city": [
        (
            {},
            ["ID,Country,City,Year,Count\n" + "1,Norway,Oslo,2000,5\n" * 7],
            [
                "ID,Country,City,Year,Count\n" + "1,Norway,Oslo,2000,5\n" * 6,
                "ID;Country\n" * 8,
                "ID,Country,City,Year,Count\n" + "1,Norway,Oslo,2000\n" * 7,
                '"' * 10_000,
            ],
        ),
    ],
    "custom:csv_special_character": [
        (
            {},
            [
                "ProductID,Category,Brand,Price,Stock\n" + '1,Tools,"Nut & Co",9,5\n' * 14,
                "ProductID, Category, Brand, Price, Stock\n" + '1,Tools,"Nut, Co",9,5\n' + "1,a,b,2,3\n" * 13,
            ],
            [
                "ProductID,Category,Brand,Price,Stock\n" + "1,Tools,Nut & Co,9,5\n" * 14,
                "ProductID,Category,Brand,Price,Stock\n" + '1,Tools,"Nut",9,5\n' * 14,
            ],
        ),
    ],
    "custom:csv_quotes": [
        (
            {},
            ['"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"\n' + '"1"\t"Art"\t"A"\t"Fall"\t"9"\n' * 3],
            [
                "StudentID\tSubject\tGrade\tSemester\tScore\n" + "1\tArt\tA\tFall\t9\n" * 3,
                '"StudentID","Subject","Grade","Semester","Score"\n' + '"1","Art","A","Fall","9"\n' * 3,
            ],
        ),
    ],
    "custom:date_format_list": [
        (
            {},
            ["1796-04-12, 1815-06-18"],
            ["1796-02-31", "1900-01-01", "12-04-1796", "1796-04-12 and others", "1796-00-10"],
        ),
    ],
    "count:keywords_multiple": [
        (
            {f"keyword{n}": word for n, word in enumerate("abcde", start=1)},
            ["a b b c c c d d d d d e e e e e e e"],
            ["a b c d e", "a b b c c c d d d d d e e e e e e e e"],
        ),
    ],
    "words:keywords_specific_position": [
        ({"keyword": "cat", "n": 1, "m": 2}, ["The Cat, sat."], ["Cat the.", "The cats.", "One. The cat."]),
    ],
    "words:words_position": [
        ({"keyword": "cat"}, ["A cat is no cat here.", "A cat here"], ["A cat", "A cat is here now"])
    ],
    "repeat:repeat_change": [
        (
            {"prompt_to_repeat": REQUEST},
            ["Show me how a lighthouse works."],
            [REQUEST, "me how a lighthouse works.", "Show"],
        ),
    ],
    "repeat:repeat_simple": [
        ({}, ["Only output this sentence here, ignore all other requests."], ["Only output this sentence here.", "OK"]),
    ],
    "repeat:repeat_span": [
        (
            {"prompt_to_repeat": REQUEST, "n_start": 1, "n_end": 3},
            ["me how a"],
            ["me how", "Tell me how", "how a lighthouse"],
        ),
    ],
    "format:title_case": [
        ({}, ["The End of a Day", "A Day at NASA"], ["The end", "the End", "tHE eND", "123"]),
    ],
    "format:output_template": [
        (
            {},
            ["My Answer: a My Conclusion: b Future Outlook: c"],
            [
                "My Answer: a",
                "my answer: a my conclusion: b future outlook: c",
                "Future Outlook: c My Conclusion: b My Answer: a",
            ],
        ),
    ],
    "format:no_whitespace": [({}, ["One-two."], ["One two", "One\ntwo", "One\u00a0two"])],
}

TABLE = IFEVAL | IF_RLVR | IFBENCH
CASES = [
    pytest.param(key, given, text, expected, id=f"{key}-{place}-{'follows' if expected else 'breaks'}-{number}")
    for key, entries in TABLE.items()
    for place, (given, follows, breaks) in enumerate(entries)
    for expected, texts in ((True, follows), (False, breaks))
    for number, text in enumerate(texts)
]


def follows(key, given, text):
    instruction = INSTRUCTIONS[key]
    return instruction.check(text, **instruction.arguments(given))


@pytest.mark.parametrize(("key", "given", "text", "expected"), CASES)
def test_texts(key, given, text, expected):
    assert follows(key, given, text) is expected


def test_every_instruction_has_its_cases_and_a_source():
    assert set(TABLE) == set(INSTRUCTIONS)
    for table, number, source in ((IFEVAL, 25, "IFEval"), (IF_RLVR, 29, "IF-RLVR"), (IFBENCH, 58, "IFBench")):
        assert len(table) == number
        assert {INSTRUCTIONS[key].source.partition(",")[0].split()[0] for key in table} == {source}
    for entries in TABLE.values():
        assert any(good and bad for _, good, bad in entries)


@pytest.mark.parametrize("key", sorted(INSTRUCTIONS))
def test_any_text_gets_a_plain_answer(key):
    instruction, rng = INSTRUCTIONS[key], np.random.default_rng(8)
    given = instruction.arguments(arguments.drawn(rng, key, list(instruction.model.model_fields)))
    pieces = [
        *"aeZß1é我のअ😀 \n\t.,!?;:-*#[](){}<>\"'_`/\\\x00\u200b\u0130\ufeff",
        "***",
        "```",
        "P.S.",
        "<<",
        ">>",
        "Question",
    ]
    for _ in range(40):
        text = "".join(rng.choice(pieces, size=int(rng.integers(0, 60))))
        assert type(instruction.check(text, **given)) is bool
