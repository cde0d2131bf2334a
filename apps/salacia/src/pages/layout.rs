//! What every page has.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// A page of this title.
pub fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // htmx adds a style of its own unless told not to; the policy of the page forbids it.
                meta name="htmx-config" content="{\"includeIndicatorCSS\":false,\"includeIndicatorStyles\":false}";
                title { (title) " · Salacia" }
                link rel="stylesheet" href="/assets/salacia.css";
                script src="/assets/htmx.js" defer {}
            }
            body {
                header {
                    a.brand href="/" { "Salacia" }
                    nav {
                        @for (name, address) in [("Log", "/"), ("Statistics", "/statistics"), ("API", "/docs/")] {
                            a href=(address) aria-current=[(name == title).then_some("page")] { (name) }
                        }
                    }
                }
                main { (body) }
            }
        }
    }
}

/// An error, as a page.
pub fn failure(status: StatusCode, message: &str) -> Response {
    let body = html! { section.failure role="alert" { h1 { (status.canonical_reason().unwrap_or("Error")) } p { (message) } p { a href="/" { "Back to the log" } } } };
    (status, page("Error", &body)).into_response()
}
