//! What a numloom expression means: op table, promotion, typed SSA, passes, schedule, reference interpreter.
