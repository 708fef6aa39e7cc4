"""The version of NumExpr that this stands in for: programs look at it before they use it."""

version = "2.14.2"
__version__ = version
