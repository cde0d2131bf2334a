//! The tour, section by section, as it is written there.

mod attributes;
mod connecting;
mod errors;
mod forms;
mod guests;
mod lifecycle;
mod queries;
mod runtime;
mod services;
mod shapes;
mod spellings;
mod words;
mod writes;
