"""Configuration: YAML defaults beside this file, and the pydantic schemas that say what each key means.

Words are in Hydra's grammar and interpolation is OmegaConf's; the layers are laid over each other here, so that each
value knows the line it comes from. A default stands once, in YAML; a type and a meaning stand once, in `schemas.py`
and `policy.py`. Nothing here reads a dataset: rows never become configuration.
"""
