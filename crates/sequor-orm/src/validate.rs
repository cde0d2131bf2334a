//! Validation: the rules of a model, checked against values.

pub mod rules;
