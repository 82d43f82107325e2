"""The ids of this package's environments: `gym_llm/<Name>-v<N>`, each with a lazy entry point.

Registering imports no environment. Other packages register their own ids with `gymnasium.register`.
"""

from __future__ import annotations

import gymnasium

NAMESPACE = "gym_llm"
ENTRY_POINTS = {
    "ArcAGI-v0": "gym_llm.envs.arc_agi:ArcAGI",
    "Calendar-v0": "gym_llm.envs.calendar:Calendar",
    "CircleClick-v0": "gym_llm.envs.circle_click:CircleClick",
    "CircleCount-v0": "gym_llm.envs.circle_count:CircleCount",
    "CompCoding-v0": "gym_llm.envs.comp_coding:CompCoding",
    "EquivalenceLLMJudge-v0": "gym_llm.envs.equivalence_llm_judge:EquivalenceLLMJudge",
    "GoogleSearch-v0": "gym_llm.envs.google_search:GoogleSearch",
    "GraphWalks-v0": "gym_llm.envs.graph_walks:GraphWalks",
    "GymnasiumText-v0": "gym_llm.envs.gymnasium_text:GymnasiumText",
    "IndirectPromptInjection-v0": "gym_llm.envs.indirect_prompt_injection:IndirectPromptInjection",
    "InstructionFollowing-v0": "gym_llm.envs.instruction_following:InstructionFollowing",
    "MathAdvancedCalculations-v0": "gym_llm.envs.math_advanced_calculations:MathAdvancedCalculations",
    "MathWithCode-v0": "gym_llm.envs.math_with_code:MathWithCode",
    "MathWithJudge-v0": "gym_llm.envs.math_with_judge:MathWithJudge",
    "MCQA-v0": "gym_llm.envs.mcqa:MCQA",
    "MiniSWE-v0": "gym_llm.envs.mini_swe:MiniSWE",
    "MRCR-v0": "gym_llm.envs.mrcr:MRCR",
    "MultiNeedle-v0": "gym_llm.envs.multi_needle:MultiNeedle",
    "ReasoningGym-v0": "gym_llm.envs.reasoning_gym:ReasoningGym",
    "SimpleWeather-v0": "gym_llm.envs.simple_weather:SimpleWeather",
    "Sokoban-v0": "gym_llm.envs.sokoban:Sokoban",
    "StatefulCounter-v0": "gym_llm.envs.stateful_counter:StatefulCounter",
    "StructuredOutputs-v0": "gym_llm.envs.structured_outputs:StructuredOutputs",
    "Tetris-v0": "gym_llm.envs.tetris:Tetris",
    "UserSimulator-v0": "gym_llm.envs.user_simulator:UserSimulator",
    "WorkplaceAssistant-v0": "gym_llm.envs.workplace_assistant:WorkplaceAssistant",
    "XlamFC-v0": "gym_llm.envs.xlam_fc:XlamFC",
}


def register_all() -> None:
    """Register every environment of this package; ids that are registered already stay as they are."""
    for name, entry_point in ENTRY_POINTS.items():
        env_id = f"{NAMESPACE}/{name}"
        if env_id not in gymnasium.registry:
            gymnasium.register(id=env_id, entry_point=entry_point, vector_entry_point=f"gym_llm.vector.make:{name}")


def env_ids() -> list[str]:
    """Return the ids of this package's environments, sorted."""
    return sorted(env_id for env_id in gymnasium.registry if env_id.startswith(f"{NAMESPACE}/"))
