//! The tour, section by section, as it is written there.

mod attributes;
mod connecting;
mod errors;
mod forms;
mod keys;
mod lifecycle;
mod neighbours;
mod queries;
mod runtime;
mod services;
mod shapes;
mod spellings;
mod strangers;
mod travellers;
mod visitors;
mod words;
mod writes;
