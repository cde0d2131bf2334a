//! `sequor migrate check`

use super::generate::{generator, say, snapshot, snapshot_path, step_json};
use super::migrator;
use super::rebase::heads;
use crate::command::{Command, Context, Done, Outcome};
use sequor_core::error::Result;
use sequor_orm::sync::PlanStep;
use serde_json::{Value as Json, json};

pub(crate) const COMMAND: Command = Command {
    path: "migrate check",
    aliases: &[],
    about: "Compare models, files and database; the status is 1 when they differ",
    examples: "sequor migrate check",
    in_project: true,
    arguments: |command| command,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

async fn run(cx: &Context) -> Result<Outcome> {
    let mut wrong = Vec::new();
    let mut data = json!({});
    let known = snapshot(cx)?;
    if !cx.app.models.is_empty() {
        match &known {
            Some(known) => {
                // What the way there needs decided is no matter here: that there is a way is enough.
                let steps = generator(cx)?.differences(known)?;
                tell(cx, "models", "The models have what no migration makes:", &steps, &mut data);
                if !steps.is_empty() {
                    wrong.push("the models differ from the snapshot: run `sequor migrate generate NAME`".to_owned());
                }
            }
            None => wrong.push(format!("{} is missing: run `sequor migrate generate NAME`", snapshot_path(cx).display())),
        }
    }
    let db = cx.look().await?;
    let checked = match migrator(cx) {
        Ok(migrator) => {
            let heads: Vec<String> = heads(cx, migrator.migrations()).iter().map(ToString::to_string).collect();
            data["branches"] = json!(heads);
            wrong.extend(heads);
            migrator.check(&db).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = checked {
        data["files"] = json!(error.to_string());
        wrong.push(error.to_string());
    } else {
        data["files"] = Json::Null;
        let wanted = match known {
            Some(known) => Some(known),
            None if cx.app.models.is_empty() => None,
            None => Some(generator(cx)?.schema()?),
        };
        if let Some(wanted) = wanted {
            let steps = db.drift(&wanted).await?;
            tell(cx, "database", "The database lacks:", &steps, &mut data);
            if !steps.is_empty() {
                wrong.push("the database is not as the migrations made it: somebody changed it by hand".to_owned());
            }
        }
    }
    data["ok"] = json!(wrong.is_empty());
    if wrong.is_empty() {
        return Ok(Outcome::said("Models, migrations and database agree.", data));
    }
    Ok(Outcome { summary: Some(wrong.join("; ")), data, failed: true })
}

fn tell(cx: &Context, key: &str, title: &str, steps: &[PlanStep], data: &mut Json) {
    if !steps.is_empty() {
        cx.console.say(title);
        say(cx, steps);
    }
    data[key] = steps.iter().map(step_json).collect();
}
