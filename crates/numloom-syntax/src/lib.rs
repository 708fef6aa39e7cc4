//! Text to tree and back for numloom expressions: tokens, grammar, AST, printer, diagnostics.
