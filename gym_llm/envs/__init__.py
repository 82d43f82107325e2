"""The environments of this package, one folder each: a class, its modules, its data.

Their ids stand in `gym_llm.registration`; importing this package imports none of them.
"""
