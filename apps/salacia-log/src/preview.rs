//! Previews of requests and answers, in the formats of OpenAI and Anthropic.

use serde_json::Value as Json;

const LIMIT: usize = 150;

/// The last user message, or a summary of the JSON.
pub fn of_request(request: &Json) -> String {
    let last = request.get("messages").and_then(Json::as_array).and_then(|list| {
        list.iter()
            .rev()
            .find(|message| message.get("role").and_then(Json::as_str) == Some("user"))
            .and_then(|message| message.get("content"))
    });
    let found =
        last.and_then(text_of).or_else(|| request.get("prompt").and_then(text_of)).or_else(|| request.get("input").and_then(text_of));
    cut(&found.unwrap_or_else(|| request.to_string()))
}

/// The answer's text or its tool calls, or a summary of the JSON.
pub fn of_response(response: &Json) -> String {
    let openai = response.pointer("/choices/0/message");
    let found = openai
        .and_then(|message| message.get("content"))
        .and_then(text_of)
        .or_else(|| {
            openai.and_then(|message| message.get("tool_calls")).and_then(Json::as_array).and_then(|calls| tools(calls, "/function/name"))
        })
        .or_else(|| response.get("content").and_then(text_of))
        .or_else(|| response.get("content").and_then(Json::as_array).and_then(|parts| tools(parts, "/name")))
        .or_else(|| response.pointer("/choices/0/text").and_then(text_of));
    cut(&found.unwrap_or_else(|| response.to_string()))
}

/// A text, or the texts of a list of parts.
fn text_of(content: &Json) -> Option<String> {
    let text = match content {
        Json::String(text) => text.clone(),
        Json::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text").and_then(Json::as_str)).collect();
            texts.join(" ")
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

fn tools(calls: &[Json], name: &str) -> Option<String> {
    let names: Vec<&str> = calls.iter().filter_map(|call| call.pointer(name).and_then(Json::as_str)).collect();
    (!names.is_empty()).then(|| format!("[tool calls: {}]", names.join(", ")))
}

/// At most [`LIMIT`] characters, white space folded; what is cut ends with an ellipsis.
fn cut(text: &str) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.chars().count() <= LIMIT {
        return folded;
    }
    let mut short: String = folded.chars().take(LIMIT - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::{of_request, of_response};
    use serde_json::json;

    #[test]
    fn the_last_user_message_is_shown() {
        let request = json!({ "messages": [{ "role": "user", "content": "first" }, { "role": "user", "content": [{ "type": "text", "text": "Hello\n there" }] },
                                           { "role": "assistant", "content": "no" }] });
        assert_eq!(of_request(&request), "Hello there");
        assert_eq!(of_request(&json!({ "n": 1 })), "{\"n\":1}");
        assert_eq!(of_request(&json!({ "prompt": "x".repeat(200) })).chars().count(), 150);
    }

    #[test]
    fn answers_of_both_formats_are_shown() {
        assert_eq!(of_response(&json!({ "choices": [{ "message": { "content": "Hi" } }] })), "Hi");
        assert_eq!(of_response(&json!({ "content": [{ "type": "text", "text": "Salve" }] })), "Salve");
        assert_eq!(
            of_response(&json!({ "choices": [{ "message": { "content": null, "tool_calls": [{ "function": { "name": "search" } }] } }] })),
            "[tool calls: search]"
        );
        assert_eq!(of_response(&json!({ "content": [{ "type": "tool_use", "name": "look_up" }] })), "[tool calls: look_up]");
        assert_eq!(of_response(&json!([1])), "[1]");
    }
}
