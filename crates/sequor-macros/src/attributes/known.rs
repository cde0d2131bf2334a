//! The closed lists of attributes, for messages and for the parser.

use super::Form::{Bool, Flag, List, Text, Texts, Tokens};
use super::{Form, Known};

const fn option(name: &'static str, forms: &'static [Form], example: &'static str) -> Known {
    Known { name, forms, example, repeats: false }
}

const fn several(name: &'static str, forms: &'static [Form], example: &'static str) -> Known {
    Known { name, forms, example, repeats: true }
}

/// The options that name a function of the model, by its path or by a text.
pub const FUNCTIONS: &[&str] = &["validate", "validate_async", "default_scope", "set_with", "computed"];

/// `#[model(..)]`
pub const MODEL: &[Known] = &[
    option("table", &[Text], "`table = \"users\"`"),
    option("schema", &[Text], "`schema = \"public\"`"),
    option("rename_all", &[Text], "`rename_all = \"camelCase\"`"),
    option("json", &[Text], "`json = \"camelCase\"`"),
    option("timestamps", &[Flag, List], "`timestamps` or `timestamps(created = \"createdAt\", updated = false)`"),
    option("paranoid", &[Flag, List], "`paranoid`, `paranoid(column = \"removed_at\")` or `paranoid(flag = \"is_active\")`"),
    option("version", &[Flag, Text], "`version` or `version = \"revision\"`"),
    option("userstamps", &[Flag, List], "`userstamps` or `userstamps(created = \"createdBy\", updated = false)`"),
    several("index", &[List], "`index(columns(\"a\", \"b desc\"), unique, name = \"..\", filter = \"..\", method = \"..\")`"),
    several("unique", &[List], "`unique(columns(\"a\", \"b\"))`"),
    several("check", &[List], "`check(name = \"age_is_positive\", \"age > 0\")`"),
    option("comment", &[Text], "`comment = \"..\"`"),
    option("renamed_from", &[Text], "`renamed_from = \"old_name\"`"),
    option("view", &[Text], "`view = \"SELECT ..\"`"),
    option("skip_sync", &[Flag], "`skip_sync`"),
    option("hooks", &[Flag, List], "`hooks` or `hooks(rows = true)`"),
    several("validate", &[Text, Tokens], "`validate = \"User::check_contact\"`"),
    several("validate_async", &[Text, Tokens], "`validate_async = \"User::email_is_free\"`"),
    option("rules_as_checks", &[Flag], "`rules_as_checks`"),
    option("default_scope", &[Text, Tokens], "`default_scope = \"User::active\"`"),
    several("computed", &[List], "`computed(full_name = \"User::full_name\")`"),
    option("register", &[Bool], "`register = false`"),
    option("crate", &[Text, Tokens], "`crate = \"path::to::sequor\"`"),
];

/// `#[field(..)]`
pub const FIELD: &[Known] = &[
    option("primary_key", &[Flag], "`primary_key`"),
    option("auto_increment", &[Flag], "`auto_increment`"),
    option("unique", &[Flag, Text, List], "`unique`, `unique = \"name_of_the_key\"` or `unique(live_only)`"),
    option("index", &[Flag, Text], "`index` or `index = \"name_of_the_index\"`"),
    option("column", &[Text], "`column = \"createdAt\"`"),
    option("json", &[Text], "`json = \"createdAt\"`"),
    option("db_type", &[Text], "`db_type = \"varchar(20)\"`"),
    option("default", &[Tokens], "`default = expression`"),
    option("db_default", &[Text], "`db_default = \"now()\"`"),
    option("comment", &[Text], "`comment = \"..\"`"),
    option("references", &[List], "`references(table = \"users\", column = \"id\")`"),
    several("validate", &[List], "`validate(email)` or `validate(len(min = 1, max = 80), message = \"..\")`"),
    option("hidden", &[Flag], "`hidden`"),
    option("sensitive", &[Flag], "`sensitive`"),
    option("generated", &[Text], "`generated = \"first || ' ' || last\"`"),
    option("stored", &[Flag], "`stored`"),
    option("set_with", &[Text, Tokens], "`set_with = path::to::function`"),
    option("renamed_from", &[Text], "`renamed_from = \"old_name\"`"),
    option("embed", &[Flag], "`embed`"),
    option("computed", &[Flag, Text, Tokens, List], "`computed` or `computed = \"User::full_name\"`"),
];

/// `#[field(..)]` of a `#[derive(Embed)]`
pub const EMBED_FIELD: &[Known] = &[
    option("column", &[Text], "`column = \"zip\"`"),
    option("json", &[Text], "`json = \"zip\"`"),
    option("unique", &[Flag, Text], "`unique`"),
    option("index", &[Flag, Text], "`index`"),
    option("db_type", &[Text], "`db_type = \"varchar(20)\"`"),
    option("default", &[Tokens], "`default = expression`"),
    option("db_default", &[Text], "`db_default = \"now()\"`"),
    option("comment", &[Text], "`comment = \"..\"`"),
    several("validate", &[List], "`validate(len(max = 80))`"),
    option("hidden", &[Flag], "`hidden`"),
    option("sensitive", &[Flag], "`sensitive`"),
    option("set_with", &[Text, Tokens], "`set_with = path::to::function`"),
    option("renamed_from", &[Text], "`renamed_from = \"old_name\"`"),
    option("embed", &[Flag], "`embed`"),
];

/// `#[relation(..)]`
pub const RELATION: &[Known] = &[
    option("foreign_key", &[Text, Texts], "`foreign_key = \"author_id\"` or `foreign_key = [\"a\", \"b\"]`"),
    option("other_key", &[Text, Texts], "`other_key = \"tag_id\"`"),
    option("source_key", &[Text, Texts], "`source_key = \"code\"`"),
    option("target_key", &[Text, Texts], "`target_key = \"code\"`"),
    option("scope", &[List], "`scope(commentable_type = \"post\")`"),
    option("through_scope", &[List], "`through_scope(kind = \"main\")`"),
    option("constraints", &[Bool], "`constraints = false`"),
    option("on_delete", &[Text], "`on_delete = \"cascade\"`"),
    option("on_update", &[Text], "`on_update = \"cascade\"`"),
    option("dependent", &[Text], "`dependent = \"destroy\"`"),
    option("counter_cache", &[Text], "`counter_cache = \"posts_count\"`"),
    option("touch", &[Flag], "`touch`"),
    option("json", &[Text], "`json = \"authorOf\"`"),
];

/// `timestamps(..)`, `userstamps(..)`
pub const STAMPS: &[Known] = &[
    option("created", &[Text, Bool], "`created = \"createdAt\"` or `created = false`"),
    option("updated", &[Text, Bool], "`updated = \"updatedAt\"` or `updated = false`"),
];

/// `paranoid(..)`
pub const PARANOID: &[Known] = &[option("column", &[Text], "`column = \"removed_at\"`"), option("flag", &[Text], "`flag = \"is_active\"`")];

/// `unique(..)` of a field
pub const UNIQUE: &[Known] = &[option("live_only", &[Flag], "`live_only`"), option("name", &[Text], "`name = \"users_by_email\"`")];

/// `hooks(..)`
pub const HOOKS: &[Known] = &[option("rows", &[Bool, Flag], "`rows = true`")];

/// `index(..)`, `unique(..)`; `where` is Sequelize's word for `filter`.
pub const INDEX: &[Known] = &[
    option("columns", &[Texts], "`columns(\"a\", \"b desc\")`"),
    several("expression", &[Text, Texts], "`expression(\"lower(email)\")`"),
    option("unique", &[Flag], "`unique`"),
    option("name", &[Text], "`name = \"users_by_name\"`"),
    option("filter", &[Text], "`filter = \"deleted_at IS NULL\"`"),
    option("where", &[Text], "`where = \"deleted_at IS NULL\"`"),
    option("method", &[Text], "`method = \"gin\"`"),
    option("language", &[Text], "`language = \"english\"`"),
    option("live_only", &[Flag], "`live_only`"),
];

/// `references(..)`; `model` and `key` are Sequelize's words for `table` and `column`.
pub const REFERENCES: &[Known] = &[
    option("table", &[Text], "`table = \"users\"`"),
    option("column", &[Text], "`column = \"id\"`"),
    option("model", &[Text], "`model = \"users\"`"),
    option("key", &[Text], "`key = \"id\"`"),
    option("on_delete", &[Text], "`on_delete = \"cascade\"`"),
    option("on_update", &[Text], "`on_update = \"cascade\"`"),
];

/// `#[db_enum(..)]` on the enum
pub const DB_ENUM: &[Known] = &[
    option("name", &[Text], "`name = \"user_role\"`"),
    option("rename_all", &[Text], "`rename_all = \"SCREAMING_SNAKE_CASE\"`"),
    option("serde", &[Bool], "`serde = false`"),
    option("crate", &[Text, Tokens], "`crate = \"path::to::sequor\"`"),
];

/// `#[db_enum(..)]` on a variant
pub const VARIANT: &[Known] = &[option("rename", &[Text], "`rename = \"label\"`")];

/// `#[db_type(..)]`, `#[embed(..)]`
pub const CRATE: &[Known] = &[option("crate", &[Text, Tokens], "`crate = \"path::to::sequor\"`")];

/// `#[projection(..)]` on the struct
pub const PROJECTION: &[Known] =
    &[option("of", &[Tokens], "`of = Post`"), option("crate", &[Text, Tokens], "`crate = \"path::to::sequor\"`")];

/// `#[projection(..)]` on a field
pub const PROJECTION_FIELD: &[Known] = &[
    option("of", &[Tokens], "`of = User`"),
    option("relation", &[Tokens], "`relation = Post::AUTHOR`, or with clauses `relation = User::POSTS.order_by(Post::ID.desc()).limit(3)`"),
    option("column", &[Tokens], "`column = Post::TITLE` or `column = \"title\"`"),
    option("expr", &[Tokens], "`expr = Post::TAGS.count()`"),
    option("embed", &[Flag], "`embed`"),
];

/// `#[sequor::test(..)]`
pub const TEST: &[Known] = &[
    option("models", &[List], "`models(User, Post)`"),
    option("migrations", &[Text], "`migrations = \"migrations\"`"),
    option("fixtures", &[Texts], "`fixtures(\"users.yaml\")`"),
    option("databases", &[Texts], "`databases(\"sqlite\", \"postgres\")`"),
];

/// The referential actions of SQL.
pub const ACTIONS: &[&str] = &["cascade", "restrict", "set null", "set default", "no action"];

/// The methods of an index.
pub const METHODS: &[&str] = &["btree", "hash", "gin", "gist", "brin", "spgist", "fulltext", "spatial"];

/// The languages whose stems a full-text index knows.
pub const LANGUAGES: &[&str] = &[
    "simple",
    "arabic",
    "armenian",
    "basque",
    "catalan",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "serbian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "yiddish",
];
