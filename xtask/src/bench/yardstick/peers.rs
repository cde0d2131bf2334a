//! The yardstick's fifty models and hundred and fifty functions in the words of other libraries, as their guides write them.

use super::{Library, MODELS};
use std::fmt::Write;

/// <https://diesel.rs/guides/relations>: tables, structs, `belonging_to` and `grouped_by`.
pub const DIESEL: Library = Library {
    name: "Diesel",
    dependencies: "diesel = { version = \"2.3\", features = [\"postgres\", \"chrono\", \"numeric\"] }\nbigdecimal = \"0.4\"\nchrono = \"0.4\"\n",
    head: "#![recursion_limit = \"512\"]\nuse bigdecimal::BigDecimal;\nuse chrono::{DateTime, Utc};\nuse diesel::prelude::*;\n",
    model: diesel,
    program: ("", "let mut db = <diesel::PgConnection as diesel::Connection>::establish(&url)?;", "&mut db"),
};

/// <https://www.sea-ql.org/SeaORM/docs/generate-entity/entity-format/>, and `load_many` of its guide to relations.
pub const SEA_ORM: Library = Library {
    name: "SeaORM",
    dependencies: "sea-orm = { version = \"2\", default-features = false, features = [\"macros\", \"runtime-tokio\", \"sqlx-postgres\", \"with-chrono\", \"with-rust_decimal\"] }\n",
    head: "use sea_orm::entity::prelude::*;\nuse sea_orm::{DatabaseConnection, DbErr, ExprTrait, LoaderTrait, QueryOrder, QuerySelect, Set};\n",
    model: sea_orm,
    program: ("async ", "let db = sea_orm::Database::connect(&url).await?;", "&db"),
};

/// <https://docs.rs/toasty>: models with pairs of relations, filters over fields, `include`.
pub const TOASTY: Library = Library {
    name: "Toasty",
    dependencies: "toasty = { version = \"0.11\", default-features = false, features = [\"postgresql\", \"jiff\", \"rust_decimal\"] }\njiff = \"0.2\"\nrust_decimal = \"1\"\n",
    head: "#![recursion_limit = \"512\"]\nuse rust_decimal::Decimal;\n",
    model: toasty,
    program: ("async ", "let mut db = toasty::Db::builder().models(toasty::models!(yardstick::*)).connect(&url).await?;", "&mut db"),
};

/// The model before, and the one behind, where there are any.
fn neighbours(number: usize) -> (Option<usize>, Option<usize>) {
    (number.checked_sub(1), Some(number + 1).filter(|child| *child < MODELS))
}

fn diesel(out: &mut String, n: usize, limit: usize) {
    let (parent, child) = neighbours(n);
    let (mut column, mut field, mut given, mut of, mut linked) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    if let Some(p) = parent {
        column = format!(" m{p}_id -> BigInt,");
        field = format!("    pub m{p}_id: i64,\n");
        given = format!(", m{p}_id: 1");
        of = format!(", belongs_to(M{p})");
        linked = format!("diesel::joinable!(m{n}s -> m{p}s (m{p}_id));\ndiesel::allow_tables_to_appear_in_same_query!(m{n}s, m{p}s);\n");
    }
    let associations = if parent.is_some() { ", Associations" } else { "" };
    let (answer, children) = match child {
        Some(c) => (
            format!("Vec<(M{n}, Vec<M{c}>)>"),
            format!(
                "    let children = M{c}::belonging_to(&rows).filter(m{c}s::count.gt(1)).select(M{c}::as_select()).load(db)?.grouped_by(&rows);\n    \
                 Ok(rows.into_iter().zip(children).collect())"
            ),
        ),
        None => (format!("Vec<M{n}>"), "    Ok(rows)".to_owned()),
    };
    let _ = write!(
        out,
        r#"
diesel::table! {{
    m{n}s {{ id -> BigInt, name -> Text, note -> Nullable<Text>, count -> Integer, score -> Double, active -> Bool, price -> Numeric, created_at -> Timestamptz, updated_at -> Timestamptz,{column} }}
}}
{linked}
#[derive(Queryable, Selectable, Identifiable{associations}, Clone, Debug, PartialEq)]
#[diesel(table_name = m{n}s{of})]
pub struct M{n} {{
    pub id: i64,
    pub name: String,
    pub note: Option<String>,
    pub count: i32,
    pub score: f64,
    pub active: bool,
    pub price: BigDecimal,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
{field}}}

#[derive(Insertable)]
#[diesel(table_name = m{n}s)]
pub struct NewM{n}<'a> {{
    pub name: &'a str,
    pub count: i32,
    pub score: f64,
    pub active: bool,
    pub price: BigDecimal,
{field}}}

pub fn find{n}(db: &mut PgConnection) -> QueryResult<{answer}> {{
    let rows = m{n}s::table.filter(m{n}s::active.eq(true).and(m{n}s::name.like("a%"))).order(m{n}s::id.asc()).limit({limit}).select(M{n}::as_select()).load(db)?;
{children}
}}

pub fn create{n}(db: &mut PgConnection) -> QueryResult<M{n}> {{
    let new = NewM{n} {{ name: "a", count: 1, score: 1.5, active: true, price: BigDecimal::from(1){given} }};
    diesel::insert_into(m{n}s::table).values(&new).returning(M{n}::as_returning()).get_result(db)
}}

pub fn update{n}(db: &mut PgConnection) -> QueryResult<usize> {{
    diesel::update(m{n}s::table.filter(m{n}s::score.lt(0.5))).set((m{n}s::count.eq(2), m{n}s::active.eq(false))).execute(db)
}}
"#
    );
}

fn sea_orm(out: &mut String, n: usize, limit: usize) {
    let (parent, child) = neighbours(n);
    let (mut field, mut relations, mut related, mut given) = (String::new(), String::new(), String::new(), String::new());
    if let Some(p) = parent {
        field = format!("        pub m{p}_id: i64,\n");
        given = format!(" m{p}_id: Set(1),");
        let _ = writeln!(
            relations,
            "        #[sea_orm(belongs_to = \"super::m{p}::Entity\", from = \"Column::M{p}Id\", to = \"super::m{p}::Column::Id\")]\n        Parent,"
        );
        let _ =
            writeln!(related, "    impl Related<super::m{p}::Entity> for Entity {{ fn to() -> RelationDef {{ Relation::Parent.def() }} }}");
    }
    let (mut answer, mut children) = (format!("Vec<m{n}::Model>"), "    Ok(rows)".to_owned());
    if let Some(c) = child {
        let _ = writeln!(relations, "        #[sea_orm(has_many = \"super::m{c}::Entity\")]\n        Children,");
        let _ = writeln!(
            related,
            "    impl Related<super::m{c}::Entity> for Entity {{ fn to() -> RelationDef {{ Relation::Children.def() }} }}"
        );
        answer = format!("Vec<(m{n}::Model, Vec<m{c}::Model>)>");
        children = format!(
            "    let children = rows.load_many(m{c}::Entity::find().filter(m{c}::Column::Count.gt(1)), db).await?;\n    Ok(rows.into_iter().zip(children).collect())"
        );
    }
    let _ = write!(
        out,
        r#"
pub mod m{n} {{
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "m{n}s")]
    pub struct Model {{
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub note: Option<String>,
        pub count: i32,
        pub score: f64,
        pub active: bool,
        pub price: Decimal,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
{field}    }}

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {{
{relations}    }}

{related}
    impl ActiveModelBehavior for ActiveModel {{}}
}}

pub async fn find{n}(db: &DatabaseConnection) -> Result<{answer}, DbErr> {{
    let found = m{n}::Entity::find().filter(m{n}::Column::Active.eq(true).and(m{n}::Column::Name.like("a%")));
    let rows = found.order_by_asc(m{n}::Column::Id).limit({limit}).all(db).await?;
{children}
}}

pub async fn create{n}(db: &DatabaseConnection) -> Result<m{n}::Model, DbErr> {{
    let new = m{n}::ActiveModel {{ name: Set("a".to_owned()), count: Set(1), score: Set(1.5), active: Set(true), price: Set(Decimal::ONE),{given} ..Default::default() }};
    new.insert(db).await
}}

pub async fn update{n}(db: &DatabaseConnection) -> Result<u64, DbErr> {{
    let changed = m{n}::Entity::update_many().col_expr(m{n}::Column::Count, Expr::value(2)).col_expr(m{n}::Column::Active, Expr::value(false));
    Ok(changed.filter(m{n}::Column::Score.lt(0.5)).exec(db).await?.rows_affected)
}}
"#
    );
}

fn toasty(out: &mut String, n: usize, limit: usize) {
    let (parent, child) = neighbours(n);
    let (mut fields, mut given, mut include) = (String::new(), String::new(), String::new());
    if let Some(p) = parent {
        let _ = write!(
            fields,
            "    #[index]\n    pub m{p}_id: i64,\n    #[belongs_to(key = m{p}_id, references = id)]\n    pub m{p}: toasty::Deferred<M{p}>,\n"
        );
        given = format!(".m{p}_id(1)");
    }
    if let Some(c) = child {
        let _ = write!(fields, "    #[has_many(pair = m{n})]\n    pub children: toasty::Deferred<Vec<M{c}>>,\n");
        include = format!(".include(M{n}::fields().children())");
    }
    let _ = write!(
        out,
        r#"
#[derive(Debug, toasty::Model)]
#[table = "m{n}s"]
pub struct M{n} {{
    #[key]
    #[auto]
    pub id: i64,
    pub name: String,
    pub note: Option<String>,
    pub count: i32,
    pub score: f64,
    pub active: bool,
    pub price: Decimal,
    pub created_at: jiff::Timestamp,
    pub updated_at: jiff::Timestamp,
{fields}}}

pub async fn find{n}(db: &mut toasty::Db) -> toasty::Result<Vec<M{n}>> {{
    let found = M{n}::filter(M{n}::fields().active().eq(true).and(M{n}::fields().name().starts_with("a")));
    found{include}.order_by(M{n}::fields().id().asc()).limit({limit}).exec(db).await
}}

pub async fn create{n}(db: &mut toasty::Db) -> toasty::Result<M{n}> {{
    let now = jiff::Timestamp::now();
    M{n}::create().name("a").count(1).score(1.5).active(true).price(Decimal::ONE).created_at(now).updated_at(now){given}.exec(db).await
}}

pub async fn update{n}(db: &mut toasty::Db) -> toasty::Result<()> {{
    M{n}::filter(M{n}::fields().score().lt(0.5)).update().count(2).active(false).exec(db).await
}}
"#
    );
}
