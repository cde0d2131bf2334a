//! Demo data for an empty SQLite file, so that the first page shows something.

use crate::models::{AiInteraction, AiProvider};
use sequor::prelude::*;

const QUESTIONS: [(&str, &str); 8] = [
    ("What is the tallest mountain of the solar system?", "Olympus Mons on Mars, about 22 km above the plain around it."),
    (
        "Summarise the causes of the First Punic War in two sentences.",
        "Rome and Carthage both claimed influence in Sicily. A quarrel over Messana drew them in.",
    ),
    ("Write a SQL query that finds duplicate e-mail addresses.", "SELECT email, count(*) FROM users GROUP BY email HAVING count(*) > 1;"),
    ("Translate 'the tide is rising' into French.", "« La marée monte. »"),
    (
        "Explain tail calls to a Java programmer.",
        "A call in tail position can reuse the caller's frame, so recursion runs in constant stack.",
    ),
    (
        "Which bones form the human wrist?",
        "Eight carpal bones: scaphoid, lunate, triquetrum, pisiform, trapezium, trapezoid, capitate and hamate.",
    ),
    (
        "Plan a three-day walk along the coast of Cornwall.",
        "Day 1: St Ives to Zennor. Day 2: Zennor to Pendeen. Day 3: Pendeen to Land's End.",
    ),
    (
        "Why do cats purr?",
        "Mostly contentment, but also to calm themselves; the larynx's muscles open and close the glottis some 25 times a second.",
    ),
];

const MODELS: [(&str, &str, &str); 3] =
    [("OpenAI", "openai", "gpt-4o"), ("Anthropic", "anthropic", "claude-3-5-sonnet"), ("Local Ollama", "ollama", "llama3.1:8b")];

/// Fills an empty log with providers and some days of interactions; says how many.
pub async fn fill(db: &Db) -> Result<usize> {
    db.transaction(async |tx| {
        let mut drafts = Vec::new();
        let now = tx.now();
        for (place, (name, kind, model)) in MODELS.into_iter().enumerate() {
            let (provider, _) =
                AiProvider::find_or_create(AiProvider::NAME.eq(name), draft!(AiProvider { name, kind, is_default: place == 0 }))
                    .exec(tx)
                    .await?;
            for turn in 0..40_usize {
                let (question, answer) = QUESTIONS[(turn * 3 + place) % QUESTIONS.len()];
                let failed = (turn * 7 + place) % 13 == 0;
                let minutes = i64::try_from(turn * 97 + place * 31).unwrap_or(0);
                drafts.push(interaction(provider.id, model, kind, (question, answer), failed, now - chrono::TimeDelta::minutes(minutes)));
            }
        }
        Ok(AiInteraction::bulk_create(drafts).hooks(false).exec(tx).await?.len())
    })
    .await
}

fn interaction(provider: Uuid, model: &str, kind: &str, talk: (&str, &str), failed: bool, at: DateTime<Utc>) -> Draft<AiInteraction> {
    let (question, answer) = talk;
    let tokens = |text: &str| i32::try_from(text.len() / 4 + 3).unwrap_or(0);
    let (asked, told) = (tokens(question), tokens(answer));
    let request = json!({ "model": model, "messages": [{ "role": "system", "content": "You answer briefly." }, { "role": "user", "content": question }] });
    let response = match kind {
        _ if failed => None,
        "anthropic" => Some(Json(
            json!({ "content": [{ "type": "text", "text": answer }], "usage": { "input_tokens": asked, "output_tokens": told } }),
        )),
        _ => Some(Json(
            json!({ "choices": [{ "message": { "role": "assistant", "content": answer } }], "usage": { "total_tokens": asked + told } }),
        )),
    };
    draft!(AiInteraction {
        provider_id: provider,
        model,
        request,
        response,
        prompt_tokens: asked,
        completion_tokens: if failed { None } else { Some(told) },
        total_tokens: if failed { asked } else { asked + told },
        response_time_ms: 180 + (asked * 37 + told * 23) % 2400,
        status_code: if failed { 529 } else { 200 },
        error: failed.then(|| "overloaded: try again later".to_owned()),
        created_at: at,
    })
}
