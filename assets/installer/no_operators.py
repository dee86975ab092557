"""Runs before the program: torchvision is imported without its compiled operators, which Twinlens does not use.

They are left out (``left_out.py``). One module of torchvision 0.28 can't be imported without them; it describes them to
torch's compiler.
"""

import sys
from types import ModuleType

NAME = "torchvision._meta_registrations"
sys.modules[NAME] = ModuleType(NAME)
