"""What runs on the other side of the wall: the zygote, one run's supervisor, the program, the REPL.

Standard library only, Python 3.9 or newer: the sandbox binds this folder into the sandboxed file system and starts it
there under the interpreter that was chosen. Nothing outside this folder may be imported from here.
"""
