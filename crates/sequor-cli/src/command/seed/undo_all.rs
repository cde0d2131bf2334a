//! `sequor seed reset`

use super::undo;
use crate::command::{Command, Done, none};

pub(crate) const COMMAND: Command = Command {
    path: "seed reset",
    aliases: &["db:seed:undo:all"],
    about: "Undo all seeders, the last first",
    examples: "sequor seed reset\nsequor db:seed:undo:all",
    in_project: true,
    arguments: none,
    run: |cx| -> Done { Box::pin(async move { undo::run(&cx, true).await }) },
};
