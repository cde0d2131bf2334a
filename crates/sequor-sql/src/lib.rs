//! Sequor's SQL writers: statement to text and parameters, for each dialect. Pure.
