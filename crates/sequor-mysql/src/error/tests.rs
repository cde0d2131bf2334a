//! What the servers really say, and what becomes of it.

use super::*;

fn of(code: u16, message: &str) -> Error {
    statement_error(&ServerError { code, message: message.to_owned() })
}

#[test]
fn a_taken_key_names_its_key_and_never_the_value() {
    for (message, table, key) in [
        ("Duplicate entry 'ann@example.com' for key 'email'", None, "email"),
        ("Duplicate entry 'ann@example.com' for key 'users.email'", Some("users"), "email"),
        ("Duplicate entry 'x' for key 'y' for key 'PRIMARY'", None, "PRIMARY"),
    ] {
        let error = of(1062, message);
        let Error::UniqueConstraint { detail, .. } = &error else { panic!("{error:?}") };
        assert_eq!(detail.constraint.as_deref(), Some(key));
        assert_eq!(detail.table.as_deref(), table);
        assert_eq!(detail.code.as_deref(), Some("1062"));
        assert!(!format!("{error:?} {error:#}").contains("ann@"));
    }
}

#[test]
fn a_broken_foreign_key_names_table_constraint_and_fields() {
    let error = of(
        1452,
        "Cannot add or update a child row: a foreign key constraint fails (`app`.`posts`, CONSTRAINT `posts_user` FOREIGN KEY (`user_id`, `b`) \
         REFERENCES `users` (`id`, `b`) ON DELETE CASCADE)",
    );
    let Error::ForeignKeyConstraint { fields, detail } = error else { panic!() };
    assert_eq!(fields, ["user_id", "b"]);
    assert_eq!(detail.constraint.as_deref(), Some("posts_user"));
    assert_eq!(detail.table.as_deref(), Some("posts"));
    let error = of(3730, "Cannot drop table 'lands' referenced by a foreign key constraint 'towns_ibfk_1' on table 'towns'.");
    let Error::ForeignKeyConstraint { detail, .. } = error else { panic!("{error:?}") };
    assert_eq!((detail.table.as_deref(), detail.constraint.as_deref()), (Some("towns"), Some("towns_ibfk_1")));
    assert!(matches!(of(1217, "Cannot delete or update a parent row: a foreign key constraint fails"), Error::ForeignKeyConstraint { .. }));
}

#[test]
fn columns_and_checks_are_named() {
    let Error::NotNull { fields, .. } = of(1048, "Column 'name' cannot be null") else { panic!() };
    assert_eq!(fields, ["name"]);
    let Error::NotNull { fields, .. } = of(1364, "Field 'name' doesn't have a default value") else { panic!() };
    assert_eq!(fields, ["name"]);
    for (code, message) in [(3819, "Check constraint 'age_ok' is violated."), (4025, "CONSTRAINT `age_ok` failed for `app`.`users`")] {
        let Error::CheckConstraint { constraint, .. } = of(code, message) else { panic!() };
        assert_eq!(constraint, "age_ok");
    }
    for (code, message, name) in [
        (1406, "Data too long for column 'name' at row 1", "name"),
        (1264, "Out of range value for column 'age' at row 1", "age"),
        (1366, "Incorrect integer value: 'se'cret' for column `app`.`users`.`age` at row 1", "age"),
        (1292, "Incorrect datetime value: 'secret' for column `app`.`users`.`at` at row 1", "at"),
    ] {
        let error = of(code, message);
        let Error::Database { detail, code: text } = &error else { panic!() };
        assert_eq!(detail.column.as_deref(), Some(name));
        assert_eq!(*text, code.to_string());
        assert!(!format!("{error:?}").contains("cret"));
    }
}

#[test]
fn values_in_unknown_messages_are_cut() {
    let error = of(1690, "BIGINT value is out of range in '(`app`.`t`.`a` - 42)'");
    assert_eq!(error.to_string(), "database error 1690: BIGINT value is out of range in '..'");
    assert!(of(1292, "Truncated incorrect DOUBLE value: 'secret'").to_string().ends_with("Truncated incorrect DOUBLE value"));
    assert!(of(1146, "Table 'app.users' doesn't exist").to_string().contains("'app.users'"));
}

#[test]
fn what_may_be_run_again_says_so() {
    assert!(matches!(of(1213, "Deadlock found"), Error::Deadlock { .. }));
    for code in [1213, 1205, 1020] {
        assert!(of(code, "x").is_retryable(), "{code}");
    }
    for code in [1317, 1969, 3024, 1062, 1064] {
        assert!(!of(code, "x").is_retryable(), "{code}");
    }
    assert!(matches!(of(1927, "Connection was killed"), Error::Connection(_)));
}

#[test]
fn a_refused_login_names_neither_user_nor_password() {
    let error = connect_error(
        &ServerError { code: 1045, message: "Access denied for user 'ann'@'localhost' (using password: YES)".into() },
        "localhost:3306/app",
    );
    let Error::Connection(connection) = &error else { panic!() };
    assert_eq!(connection.kind, ConnectionErrorKind::AccessDenied);
    assert!(error.to_string().contains("localhost:3306/app"));
    assert!(!format!("{error:?}").contains("ann"));
}
