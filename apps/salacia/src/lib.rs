//! Salacia: the log of an AI gateway.

#![allow(missing_docs, reason = "an application, not a library: the names of its fields are those of the tables and of the API")]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod config;
pub mod demo;
pub mod hooks;
pub mod http;
pub mod layers;
pub mod models;
pub mod pages;
pub mod search_index;
pub mod sequor_log;
