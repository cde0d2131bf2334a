//! What must not compile, each case with the message that a newcomer reads, and what must.

#[path = "ui/pass/another_crate_path.rs"]
mod another_crate_path;
use another_crate_path::framework;
#[path = "ui/pass/draft_forms.rs"]
mod draft_forms;
#[path = "ui/pass/inside_functions.rs"]
mod inside_functions;
#[path = "ui/pass/made_by_macros.rs"]
mod made_by_macros;
#[path = "ui/pass/shadowed_names.rs"]
mod shadowed_names;
#[path = "ui/pass/spawned_transactions.rs"]
mod spawned_transactions;
#[path = "ui/pass/strict_lints.rs"]
mod strict_lints;
#[path = "ui/pass/tour.rs"]
mod tour;
#[path = "ui/pass/verbs_of_ones_own.rs"]
mod verbs_of_ones_own;
#[path = "ui/pass/visibility.rs"]
mod visibility;

/// Cases that fail only: then one run of cargo checks all of them together.
#[test]
fn messages() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
