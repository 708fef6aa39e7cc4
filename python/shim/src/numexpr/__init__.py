"""`numloom.numexpr` under the name of NumExpr."""

import numloom

numloom.install_as_numexpr()
