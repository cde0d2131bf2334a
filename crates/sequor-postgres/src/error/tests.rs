//! What PostgreSQL's error messages become.

use super::*;

fn message(fields: &[(u8, &str)]) -> ServerMessage {
    let mut body = Vec::new();
    for (kind, text) in fields {
        body.push(*kind);
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    ServerMessage::parse(&body)
}

#[test]
fn the_columns_of_a_key_are_named_and_its_values_are_not() {
    for (detail, expected) in [
        ("Key (email)=(ann@x.io) already exists.", vec!["email"]),
        ("Key (a, b)=(1, 2) already exists.", vec!["a", "b"]),
        ("Key (\"createdAt\", \"b \"\"c)=(\")=(x, y) already exists.", vec!["createdAt", "b \"c)=("]),
        ("Key (lower(email), x)=(ann, 2) already exists.", vec!["lower(email)", "x"]),
        ("Schlüssel »(id)=(1)« existiert bereits.", vec!["id"]),
        ("Failing row contains (1, secret, null).", vec![]),
        ("Key (", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(message(&[(b'C', "23505"), (b'D', detail)]).keys, expected, "{detail}");
    }
}

#[test]
fn codes_become_the_errors_that_they_are() {
    let error = message(&[
        (b'C', "23505"),
        (b'M', "duplicate"),
        (b'D', "Key (email)=(secret) already exists."),
        (b'n', "users_email_key"),
        (b't', "users"),
    ]);
    match error.into_error("h") {
        Error::UniqueConstraint { fields, detail } => {
            assert_eq!(fields, ["email"]);
            assert_eq!(detail.constraint.as_deref(), Some("users_email_key"));
            assert_eq!(detail.table.as_deref(), Some("users"));
            assert!(!format!("{detail:?}").contains("secret"));
        }
        other => panic!("{other:?}"),
    }
    for (code, name) in [
        ("40P01", "Deadlock"),
        ("40001", "Serialization"),
        ("57014", "Timeout"),
        ("55P03", "Timeout"),
        ("57P01", "Connection"),
        ("57P03", "Connection"),
        ("08006", "Connection"),
        ("25P02", "Database"),
        ("XX000", "Database"),
        ("", "Database"),
        ("23514", "CheckConstraint"),
        ("23P01", "ExclusionConstraint"),
    ] {
        let error = message(&[(b'C', code), (b'M', "m")]).into_error("h");
        assert!(format!("{error:#?}").starts_with(name), "{code}: {error:?}");
    }
}

#[test]
fn a_check_failure_does_not_take_the_failing_row_for_a_key() {
    // PostgreSQL's DETAIL of 23514 and 23502 holds the whole row; their errors have no keys to show.
    let error = message(&[(b'C', "23514"), (b'n', "positive"), (b'D', "Failing row contains (1, secret)=(2).")]).into_error("h");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn quoted_values_are_cut_and_quoted_names_stay() {
    for (code, text, expected) in [
        ("22P02", "invalid input syntax for type integer: \"secret\"", "invalid input syntax for type integer"),
        ("22023", "invalid value for parameter \"statement_timeout\": \"soon\"", "invalid value for parameter \"statement_timeout\""),
        ("22003", "value \"99999999999\" is out of range for type integer", "value … is out of range for type integer"),
        ("22P02", "invalid input value for enum mood: \"a\"b\"", "invalid input value for enum mood"),
        ("42703", "column \"x\" does not exist", "column \"x\" does not exist"),
        ("42601", "a\nb\u{1b}[31m", "a b [31m"),
    ] {
        assert_eq!(message(&[(b'C', code), (b'M', text)]).safe_message(), expected);
    }
}

#[test]
fn any_bytes_are_an_error_and_never_a_panic() {
    let body = b"SERROR\0VERROR\0C23505\0Mduplicate\0DKey (a)=(b)\0tusers\0\0";
    for length in 0..=body.len() {
        for flip in 0..=255u8 {
            let mut bytes = body[..length].to_vec();
            if let Some(byte) = bytes.get_mut(usize::from(flip) % length.max(1)) {
                *byte ^= flip;
            }
            let _ = ServerMessage::parse(&bytes).into_error("h");
            let _ = ServerMessage::parse(&bytes).into_connect_error("h");
        }
    }
}
