"""The names that contest programs take for granted; put into the namespace of the model's program before it runs."""
# ruff: noqa: F403, F401, I001
# mypy: ignore-errors

from string import *
from re import *
from datetime import *
from collections import *
from heapq import *
from bisect import *
from copy import *
from math import *
from random import *
from statistics import *
from itertools import *
from functools import *
from operator import *
from io import *
from sys import *
from json import *
from builtins import *  # noqa: UP029
from typing import *
import string
import re
import datetime  # noqa: ICN001
import collections
import heapq
import bisect
import copy
import math
import random
import statistics
import itertools
import functools
import operator
import io
import sys
import json
