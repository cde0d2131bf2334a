//! Models and tables.
