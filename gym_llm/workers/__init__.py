"""Worker processes: started, watched, blamed and killed; frames to and from them.

What a worker hosts is not said here: the vector engine's environments and whole episodes of a collection both are
handlers of this layer.
"""

from __future__ import annotations
