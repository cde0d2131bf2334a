//! Three applications' tables in a short notation, and its reader.

use sequor::__private::ColumnType;
use sequor::__private::core::schema::{
    Action, CheckDef, Default as ColumnDefault, ForeignKeyDef, Generated, IndexDef, IndexPart, SortDirection, TableColumn, TableDef,
    TableName,
};
use sequor::__private::core::types::EnumDef;
use sequor::{Schema, Value};
use std::sync::Arc;

pub const FORUM: &str = "
enum user_role: member moderator admin
enum topic_state: open closed archived
users: id +; email varchar(190) !; name varchar(80) !; role user_role ! =member; karma i32 ! =0; prefs jsonb; seen_at time; bio text; trusted bool ! =false; best_post_id i64 >posts
  unique email; index lower(name); check users_karma: karma >= -100
profiles: user_id i64 ! >users cascade; website text; location varchar(100); born date
  pk user_id
categories: id +; parent_id i64 >categories; slug varchar(60) !; title varchar(120) !; position i32 ! =0; color char6
  unique parent_id slug
topics: id +; category_id i64 ! >categories; author_id i64 ! >users; title varchar(200) !; state topic_state ! =open; pinned bool ! =false; views i64 ! =0; created_at time !; tags list
  index category_id created_at-; index? author_id where state = 'open'
posts: id +; topic_id i64 ! >topics cascade; author_id i64 >users; body text !; number i32 !; edited_at time; length i32 @length(body)
  unique topic_id number; check posts_number: number > 0
reactions: post_id i64 ! >posts cascade; user_id i64 ! >users cascade; kind varchar(20) ! =like
  pk post_id user_id
badges: id +; name varchar(60) !; worth i16 ! =1
  unique name
user_badges: user_id i64 ! >users cascade; badge_id i64 ! >badges; given_at time !
  pk user_id badge_id
messages: id +; from_id i64 ! >users; to_id i64 ! >users; body text !; read_at time
  check messages_other: from_id > 0 or read_at is null
polls: id +; topic_id i64 ! >topics; question varchar(200) !; ends_on date
poll_options: poll_id i64 ! >polls cascade; place i32 !; label varchar(100) !
  pk poll_id place
votes: id +; poll_id i64 !; place i32 !; user_id i64 ! >users; weight money ! =1
  fk poll_id place > poll_options poll_id place; unique? user_id poll_id where weight > 0
uploads: id uuid !; user_id i64 >users; content bytes; meta jsonb
  pk id
bans: id +; user_id i64 ! >users; until time; reason text
settings: name varchar(60) !; value jsonb
  pk name
";

pub const SHOP: &str = "
enum order_state: cart placed paid shipped
enum tax_class: full reduced none
customers: id +; email varchar(190) !; first_name varchar(60) !; last_name varchar(60) !; vip bool ! =false; credit money ! =0; phones list; notes text; default_address_id i64 >addresses
  unique email; check customers_credit: credit >= 0
addresses: id +; customer_id i64 ! >customers cascade; street varchar(120) !; city varchar(80) !; zip varchar(12) !; country char2 !
countries: code char2 !; name varchar(60) !; vat f64
  pk code
brands: id +; name varchar(60) !
  unique name
products: id +; brand_id i64 >brands; sku varchar(40) !; title varchar(160) !; price money !; tax tax_class ! =full; weight f64; stock i32 ! =0; attributes jsonb; gross money @price * 2; active bool ! =true
  unique sku; index? title where active; check products_stock: stock >= 0; check products_price: price > 0
categories: id +; parent_id i64 >categories; name varchar(80) !
product_categories: product_id i64 ! >products cascade; category_id i64 ! >categories cascade
  pk product_id category_id
images: id +; product_id i64 ! >products cascade; url varchar(200) !; position i16 ! =0
warehouses: id +; name varchar(60) !
stock_items: warehouse_id i64 ! >warehouses; product_id i64 ! >products; quantity i32 ! =0
  pk warehouse_id product_id; check stock_items_quantity: quantity >= 0
orders: id +; number varchar(20) !; customer_id i64 >customers; state order_state ! =cart; total money ! =0; placed_at time; meta jsonb
  unique number; index customer_id placed_at-; index? state where placed_at is not null
order_lines: order_id i64 ! >orders cascade; line i32 !; product_id i64 ! >products; quantity i32 ! =1; price money !
  pk order_id line; check order_lines_quantity: quantity > 0
payments: id +; order_id i64 ! >orders; amount money !; method varchar(20) !; done_at time
shipments: id +; order_id i64 !; line i32 !; tracking varchar(60)
  fk order_id line > order_lines order_id line
coupons: code varchar(20) !; percent i16 !; until date
  pk code; check coupons_percent: percent between 1 and 100
reviews: id +; product_id i64 ! >products cascade; customer_id i64 >customers; stars i16 !; body text
  unique product_id customer_id
";

pub const CRM: &str = "
enum lead_status: new contacted qualified lost
accounts: id +; name varchar(120) !; website text; parent_id i64 >accounts; revenue money; employees i32; owner_id i64 >people; custom jsonb
  index name
people: id +; account_id i64 >accounts; first_name varchar(60); last_name varchar(60) !; emails list; birthday date; do_not_call bool ! =false; score f64 ! =0
  index last_name first_name
leads: id +; person_id i64 ! >people cascade; status lead_status ! =new; source varchar(40); value money ! =0; created_at time !
  index? person_id where status = 'new'
stages: id +; name varchar(40) !; place i16 ! =0
  unique name
deals: id +; account_id i64 ! >accounts; stage_id i64 ! >stages; title varchar(120) !; amount money !; probability i16 ! =50; expected money @amount * probability; closes_on date
  check deals_probability: probability between 0 and 100
deal_people: deal_id i64 ! >deals cascade; person_id i64 ! >people cascade; role varchar(30)
  pk deal_id person_id
activities: id +; person_id i64 >people; deal_id i64 >deals; kind varchar(20) !; at time !; minutes i32; note text
  check activities_about: person_id is not null or deal_id is not null or kind = 'note'
notes: id uuid !; subject varchar(80) !; body text; pinned bool ! =false
  pk id
tags: id +; name varchar(40) !
  unique name
taggings: tag_id i64 ! >tags cascade; target varchar(20) !; target_id i64 !
  pk tag_id target target_id
campaigns: id +; name varchar(80) !; budget money; starts_on date; ends_on date
  check campaigns_time: ends_on is null or ends_on >= starts_on
campaign_people: campaign_id i64 ! >campaigns cascade; person_id i64 ! >people cascade; opened_at time
  pk campaign_id person_id
mails: id +; campaign_id i64 !; person_id i64 !; subject varchar(120) !; sent_at time
  fk campaign_id person_id > campaign_people campaign_id person_id
files: id +; deal_id i64 >deals; name varchar(120) !; content bytes; size u32 ! =0
settings: owner varchar(40) !; name varchar(40) !; value jsonb
  pk owner name
";

pub fn name(text: &str) -> sequor::__private::core::Name {
    text.to_owned().into()
}

pub fn read(text: &str) -> Schema {
    let mut schema = Schema::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some((enumeration, labels)) = line.strip_prefix("enum ").and_then(|line| line.split_once(": ")) {
            let labels = labels.split(' ').map(name).collect();
            schema.enums.push(Arc::new(EnumDef { name: name(enumeration), labels }));
        } else if let Some((table, columns)) = line.strip_prefix("  ").map_or(line.split_once(": "), |_| None) {
            let mut made = TableDef::new(TableName::new(table.to_owned()));
            for text in columns.split("; ") {
                column(&mut made, text, &schema.enums);
            }
            schema.tables.push(made);
        } else {
            line.trim().split("; ").for_each(|text| part(schema.tables.last_mut().unwrap(), text));
        }
    }
    schema.arranged()
}

/// `role user_role ! =member`, `user_id i64 ! >users cascade`, `gross money @price * 2`.
pub fn column(table: &mut TableDef, text: &str, enums: &[Arc<EnumDef>]) {
    let (text, generated) = text.split_once(" @").map_or((text, None), |(text, expression)| (text, Some(expression)));
    let (text, target) = text.split_once(" >").map_or((text, None), |(text, target)| (text, Some(target)));
    let (text, default) = text.split_once(" =").map_or((text, None), |(text, default)| (text, Some(default)));
    let (own, kind) = text.trim_end_matches(" !").split_once(' ').unwrap();
    if kind == "+" {
        table.columns.push(TableColumn { nullable: false, auto_increment: true, ..TableColumn::new(name(own), ColumnType::I64) });
        table.primary_key = vec![name(own)];
        return;
    }
    let ty = ty(kind, enums);
    let mut made = TableColumn::new(name(own), ty);
    made.nullable = !text.ends_with(" !");
    if let Some(default) = default {
        made.default = ColumnDefault::Value(value(&made.ty, default));
    }
    made.generated = generated.map(|expression| Generated { expression: name(expression), stored: true });
    if let Some(target) = target {
        let (target, action) = target.split_once(' ').unwrap_or((target, ""));
        let on_delete = (action == "cascade").then_some(Action::Cascade);
        table.foreign_keys.push(key(&[own], target, &["id"], on_delete));
    }
    table.columns.push(made);
}

fn key(columns: &[&str], table: &str, target: &[&str], on_delete: Option<Action>) -> ForeignKeyDef {
    let list = |names: &[&str]| names.iter().map(|one| name(one)).collect();
    ForeignKeyDef {
        name: None,
        columns: list(columns),
        table: TableName::new(table.to_owned()),
        target: list(target),
        on_delete,
        on_update: None,
        deferrable: None,
    }
}

fn ty(kind: &str, enums: &[Arc<EnumDef>]) -> ColumnType {
    match kind {
        "i16" => ColumnType::I16,
        "i32" => ColumnType::I32,
        "i64" => ColumnType::I64,
        "u32" => ColumnType::U32,
        "f64" => ColumnType::F64,
        "bool" => ColumnType::Bool,
        "text" => ColumnType::Text,
        "date" => ColumnType::Date,
        "time" => ColumnType::DateTime(6),
        "jsonb" => ColumnType::Json(true),
        "list" => ColumnType::Array(Box::new(ColumnType::Text)),
        "money" => ColumnType::Decimal(Some((12, 2))),
        "bytes" => ColumnType::Bytes,
        "uuid" => ColumnType::Uuid,
        _ if kind.starts_with("varchar(") => ColumnType::VarChar(kind[8..kind.len() - 1].parse().unwrap()),
        _ if kind.starts_with("char") => ColumnType::Char(kind[4..].parse().unwrap()),
        _ => ColumnType::Enum(enums.iter().find(|one| one.name == kind).unwrap().clone()),
    }
}

fn value(ty: &ColumnType, text: &str) -> Value {
    match ty {
        ColumnType::Bool => Value::Bool(text == "true"),
        ColumnType::Decimal(_) => Value::Decimal(text.parse().unwrap()),
        ty if ty.is_numeric() => Value::I64(text.parse().unwrap()),
        _ => Value::Text(text.to_owned()),
    }
}

/// `unique a b`, `index? a where b`, `index lower(a)`, `check name: expression`, `pk a b`, `fk a b > table c d`.
fn part(table: &mut TableDef, text: &str) {
    let (word, rest) = text.split_once(' ').unwrap();
    match word {
        "pk" => table.primary_key = rest.split(' ').map(name).collect(),
        "check" => {
            let (own, expression) = rest.split_once(": ").unwrap();
            table.checks.push(CheckDef { name: name(own), expression: name(expression) });
        }
        "fk" => {
            let (columns, target) = rest.split_once(" > ").unwrap();
            let mut target = target.split(' ');
            let other = target.next().unwrap();
            table.foreign_keys.push(key(&columns.split(' ').collect::<Vec<_>>(), other, &target.collect::<Vec<_>>(), None));
        }
        _ => table.indexes.push(index(word.starts_with("unique"), rest)),
    }
}

pub fn index(unique: bool, text: &str) -> IndexDef {
    let (columns, filter) = text.split_once(" where ").map_or((text, None), |(columns, filter)| (columns, Some(name(filter))));
    let part = |text: &str| match text.contains('(') {
        true => IndexPart { expression: Some(name(text)), ..IndexPart::default() },
        false => {
            let direction = text.ends_with('-').then_some(SortDirection::Descending);
            IndexPart { column: Some(name(text.trim_end_matches('-'))), direction, ..IndexPart::default() }
        }
    };
    let parts: Vec<IndexPart> = columns.split(' ').map(part).collect();
    let own = parts[0].expression.is_some().then(|| name(&format!("{}_index", text.replace(['(', ')'], "_"))));
    IndexDef { name: own, parts, unique, filter, ..IndexDef::default() }
}
