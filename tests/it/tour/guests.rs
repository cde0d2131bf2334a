//! Programs of people who know the tour alone, and write what they are used to.

mod cinemas;
mod clinics;
mod collectors;
mod curious;
mod derivers;
mod habits;
mod keys;
mod listeners;
mod neighbours;
mod newcomers;
mod orchards;
mod strangers;
mod travellers;
mod visitors;
