//! Elementary functions over blocks of numbers, for numloom.
