//! Random descriptions, rows for them, and random changes of them.

use sequor::__private::core::schema::{
    Action, CheckDef, Default as ColumnDefault, ForeignKeyDef, Generated, IndexDef, TableColumn, TableDef, TableName, enums,
};
use sequor::__private::{ColumnType, EnumDef};
use sequor::Dialect;
use sequor::Schema;
use sequor::Value;
use std::sync::Arc;

/// Splitmix64: the same numbers for the same seed, everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A description with what leads to it.
#[derive(Clone)]
pub struct Made {
    tables: Vec<TableDef>,
    pub renames: Vec<String>,
    pub fills: Vec<String>,
    next: usize,
    /// Where columns come from: the table and column here, those before.
    origins: Vec<((String, String), (String, String))>,
}

const ROWS: usize = 4;

fn types(color: &Arc<EnumDef>) -> Vec<ColumnType> {
    vec![
        ColumnType::Bool,
        ColumnType::I16,
        ColumnType::I32,
        ColumnType::I64,
        ColumnType::F64,
        ColumnType::Decimal(Some((10, 2))),
        ColumnType::Text,
        ColumnType::VarChar(30),
        ColumnType::Uuid,
        ColumnType::DateTime(6),
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::Bytes,
        ColumnType::Json(true),
        ColumnType::Enum(color.clone()),
        ColumnType::Array(Box::new(ColumnType::Text)),
    ]
}

/// The default of a type, for those that have one here.
fn default_of(ty: &ColumnType) -> Option<Value> {
    Some(match ty {
        ColumnType::Bool => Value::Bool(true),
        ColumnType::I16 | ColumnType::I32 | ColumnType::I64 => Value::I64(7),
        ColumnType::F64 => Value::F64(1.5),
        ColumnType::Decimal(_) => Value::Decimal("2.50".parse().unwrap()),
        ColumnType::Text | ColumnType::VarChar(_) => Value::Text("it's".into()),
        ColumnType::Json(_) => Value::Json(Box::new(serde_json::json!({ "b": [1], "a": "x" }))),
        ColumnType::Enum(definition) => Value::Text(definition.labels[0].to_string()),
        ColumnType::Date => Value::Date("2020-02-29".parse().unwrap()),
        _ => return None,
    })
}

fn value(ty: &ColumnType, row: usize, dialect: Dialect) -> String {
    let postgres = dialect == Dialect::Postgres;
    match ty {
        ColumnType::Bool if postgres => format!("{}", row % 2 == 0),
        ColumnType::Bool => format!("{}", row % 2),
        ColumnType::I16 | ColumnType::I32 | ColumnType::I64 => row.to_string(),
        ColumnType::F64 => format!("{row}.25"),
        ColumnType::Decimal(_) if dialect == Dialect::Sqlite => format!("'{row}.5'"),
        ColumnType::Decimal(_) => format!("{row}.5"),
        ColumnType::Uuid => format!("'00000000-0000-4000-8000-00000000000{row}'"),
        ColumnType::DateTime(_) if dialect.is_mysql() => format!("'2024-01-0{row} 10:00:00.000001'"),
        ColumnType::DateTime(_) => format!("'2024-01-0{row} 10:00:00.000001+00:00'"),
        ColumnType::Date => format!("'2024-01-0{row}'"),
        ColumnType::Time => format!("'10:00:0{row}'"),
        ColumnType::Bytes if postgres => format!("'\\x0{row}'"),
        ColumnType::Bytes => format!("x'0{row}'"),
        ColumnType::Json(_) => format!("'{{\"row\": {row}}}'"),
        ColumnType::Enum(definition) => format!("'{}'", definition.labels[0]),
        ColumnType::Array(_) if postgres => format!("'{{a,{row}}}'"),
        ColumnType::Array(_) => format!("'[\"a\",\"{row}\"]'"),
        _ => format!("'text {row}'"),
    }
}

impl Made {
    pub fn schema(&self) -> Schema {
        let mut schema = Schema { tables: self.tables.clone(), ..Schema::default() }.arranged();
        schema.enums = enums(&schema.tables);
        schema
    }

    fn name(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}{}", self.next)
    }

    fn color(&self) -> Arc<EnumDef> {
        let list = enums(&self.tables);
        list.first().cloned().unwrap_or_else(|| {
            Arc::new(EnumDef { name: "random_color".into(), labels: vec!["red".into(), "dark blue".into(), "it's".into()] })
        })
    }

    /// A column; one that is NOT NULL has a default, or a value for the rows that are there.
    fn column(&mut self, dice: &mut Dice, table: &str, late: bool) -> TableColumn {
        let list = types(&self.color());
        let ty = list[dice.below(list.len())].clone();
        let mut column = TableColumn::new(self.name("c"), ty);
        column.nullable = dice.chance(50);
        if let Some(default) = default_of(&column.ty).filter(|_| dice.chance(40)) {
            column.default = ColumnDefault::Value(default);
        } else if late && !column.nullable {
            let value = match &column.ty {
                ColumnType::Bytes | ColumnType::Array(_) | ColumnType::Bool => {
                    column.nullable = true;
                    return column;
                }
                ty => value(ty, 1, Dialect::Sqlite),
            };
            self.fills.push(format!("{table}.{}={}", column.name, value.replace("+00:00", "")));
        }
        if dice.chance(15) {
            column.comment = Some("what's this".into());
        }
        column
    }

    fn table(&mut self, dice: &mut Dice) -> TableDef {
        let name = self.name("t");
        let mut table = TableDef::new(TableName::new(name.clone()));
        let mut id = TableColumn::new("id", ColumnType::I64);
        (id.nullable, id.auto_increment) = (false, dice.chance(60));
        table.columns.push(id);
        table.primary_key = vec!["id".into()];
        for _ in 0..1 + dice.below(5) {
            let column = self.column(dice, &name, false);
            table.columns.push(column);
        }
        for _ in 0..dice.below(3) {
            self.part(dice, &mut table, false);
        }
        table
    }

    /// An index, a unique key, a check or a computed column.
    fn part(&mut self, dice: &mut Dice, table: &mut TableDef, late: bool) {
        // MySQL and MariaDB let no check name a column that a foreign key changes.
        let keys: Vec<_> = table.foreign_keys.iter().flat_map(|key| key.columns.clone()).collect();
        let number = |column: &&TableColumn| {
            matches!(column.ty, ColumnType::I32 | ColumnType::I64)
                && column.name != "id"
                && column.generated.is_none()
                && !keys.contains(&column.name)
        };
        let indexable =
            |column: &&TableColumn| matches!(column.ty, ColumnType::VarChar(_) | ColumnType::I32 | ColumnType::Date | ColumnType::Uuid);
        match dice.below(5) {
            0 | 1 => {
                let Some(column) = table.columns.iter().filter(indexable).nth(dice.below(2)) else { return };
                let mut index = IndexDef { name: Some(self.name("i").into()), ..IndexDef::on([column.name.clone()]) };
                // Rows that are there already have the same default.
                index.unique = !late && !column.nullable && matches!(column.default, ColumnDefault::None);
                index.constraint = index.unique && dice.chance(50);
                if !index.unique && dice.chance(30) {
                    index.parts[0].direction = Some(sequor::__private::core::schema::SortDirection::Descending);
                    index.parts.push(sequor::__private::core::schema::IndexPart { column: Some("id".into()), ..Default::default() });
                }
                if dice.chance(25) {
                    // Nor may the condition of a unique key.
                    let counts = index.unique && table.columns[0].auto_increment;
                    let first = if counts { String::new() } else { "id > 0 AND ".to_owned() };
                    index.filter = Some(format!("{first}{} IS NOT NULL", column.name).into());
                    index.constraint = false;
                }
                table.indexes.push(index);
            }
            2 | 3 => {
                let Some(column) = table.columns.iter().find(number) else { return };
                // MySQL and MariaDB let no check name a column that counts by itself.
                let other: &str = if table.columns[0].auto_increment { &column.name } else { "id" };
                let expressions =
                    [format!("{} >= 0", column.name), format!("{} IN (0, 1, 2, 3, 4, 7) OR {other} BETWEEN 1 AND 100", column.name)];
                table.checks.push(CheckDef { name: self.name("k").into(), expression: expressions[dice.below(2)].clone().into() });
            }
            _ => {
                let Some(column) = table.columns.iter().find(number).map(|column| column.name.clone()) else { return };
                let mut made = TableColumn::new(self.name("g"), ColumnType::I64);
                made.generated = Some(Generated { expression: format!("{column} + 1").into(), stored: true });
                table.columns.push(made);
            }
        }
    }

    fn key(&mut self, dice: &mut Dice) {
        let target = self.tables[dice.below(self.tables.len())].name.clone();
        let place = dice.below(self.tables.len());
        let name = self.name("r");
        let table = &mut self.tables[place];
        table.columns.push(TableColumn::new(name.clone(), ColumnType::I64));
        table.foreign_keys.push(ForeignKeyDef {
            name: None,
            columns: vec![name.into()],
            table: target,
            target: vec!["id".into()],
            on_delete: Some(if dice.chance(50) { Action::Cascade } else { Action::SetNull }),
            on_update: Some(Action::Cascade),
            deferrable: None,
        });
    }

    /// The statements that fill the tables: rows first, keys between them afterwards.
    pub fn rows(&self, dialect: Dialect) -> Vec<String> {
        let quote = if dialect.is_mysql() { "`" } else { "\"" };
        let mut made = Vec::new();
        for table in &self.tables {
            for row in 1..=ROWS {
                let given = |column: &&TableColumn| {
                    let key = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
                    let left_out = column.nullable && row % 3 == 0;
                    column.generated.is_none() && !key && !left_out
                };
                let columns: Vec<&TableColumn> = table.columns.iter().filter(given).collect();
                let names: Vec<String> = columns.iter().map(|column| format!("{quote}{}{quote}", column.name)).collect();
                let values: Vec<String> = columns.iter().map(|column| value(&column.ty, row, dialect)).collect();
                made.push(format!("INSERT INTO {quote}{}{quote} ({}) VALUES ({})", table.name, names.join(", "), values.join(", ")));
            }
        }
        for table in &self.tables {
            for key in &table.foreign_keys {
                made.push(format!("UPDATE {quote}{}{quote} SET {quote}{}{quote} = {quote}id{quote}", table.name, key.columns[0]));
            }
        }
        // Identities that were given by hand are behind.
        if dialect == Dialect::Postgres {
            for table in self.tables.iter().filter(|table| table.columns[0].auto_increment) {
                made.push(format!("ALTER TABLE \"{}\" ALTER COLUMN id RESTART WITH 100", table.name));
            }
        }
        made
    }

    /// Columns whose values must be the same afterwards: table and column before, table and column now.
    pub fn survivors(&self, first: &Made) -> Vec<(String, String, (String, String))> {
        let mut found = Vec::new();
        for (now, before) in &self.origins {
            let column = |made: &Made, place: &(String, String)| {
                made.tables
                    .iter()
                    .find(|table| table.name.name == place.0.as_str())?
                    .columns
                    .iter()
                    .find(|column| column.name == place.1.as_str())
                    .cloned()
            };
            let (Some(new), Some(old)) = (column(self, now), column(first, before)) else { continue };
            let filled = old.nullable && !new.nullable;
            let is_enum = matches!(old.ty, ColumnType::Enum(_));
            if (old.ty == new.ty || is_enum && self.color().labels[0] == first.color().labels[0])
                && !filled
                && old.generated.is_none() == new.generated.is_none()
            {
                found.push((before.0.clone(), before.1.clone(), now.clone()));
            }
        }
        found
    }

    /// Columns, as they are now, that pointed to a table which is gone: what they point to does not come back.
    pub fn orphans(&self, first: &Made) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for table in &first.tables {
            for key in &table.foreign_keys {
                let lives = self
                    .origins
                    .iter()
                    .any(|(now, before)| before.0 == key.table.name && self.tables.iter().any(|table| table.name.name == now.0.as_str()));
                let place = (table.name.name.to_string(), key.columns[0].to_string());
                let now = self.origins.iter().find(|(_, before)| *before == place).map(|(now, _)| now.clone());
                let there = |now: &(String, String)| {
                    self.tables
                        .iter()
                        .any(|table| table.name.name == now.0.as_str() && table.columns.iter().any(|column| column.name == now.1.as_str()))
                };
                found.extend(now.filter(|now| !lives && there(now)));
            }
        }
        found
    }

    pub fn changed(&self, dice: &mut Dice) -> Made {
        let mut made = self.clone();
        made.origins = self
            .tables
            .iter()
            .flat_map(|table| table.columns.iter().map(|column| (table.name.name.to_string(), column.name.to_string())))
            .map(|place| (place.clone(), place))
            .collect();
        for _ in 0..2 + dice.below(6) {
            made.change(dice);
        }
        made
    }

    fn change(&mut self, dice: &mut Dice) {
        match dice.below(13) {
            0 if self.tables.len() > 1 => self.drop_table(dice),
            1 => {
                let table = self.table(dice);
                self.tables.push(table);
            }
            2 => self.rename_table(dice),
            3 | 4 => {
                let place = dice.below(self.tables.len());
                let name = self.tables[place].name.name.to_string();
                let column = self.column(dice, &name, true);
                self.tables[place].columns.push(column);
            }
            5 => self.drop_column(dice),
            6 => self.rename_column(dice),
            7 => self.widen(dice),
            8 => self.relabel(dice),
            9 => self.key(dice),
            10 => {
                let place = dice.below(self.tables.len());
                self.tables[place].foreign_keys.pop();
            }
            11 => {
                let place = dice.below(self.tables.len());
                if dice.chance(50) {
                    self.tables[place].indexes.pop().map(drop)
                } else {
                    self.tables[place].checks.pop().map(drop)
                };
            }
            _ => {
                let place = dice.below(self.tables.len());
                let mut table = self.tables[place].clone();
                self.part(dice, &mut table, true);
                self.tables[place] = table;
            }
        }
    }

    fn drop_table(&mut self, dice: &mut Dice) {
        let gone = self.tables.remove(dice.below(self.tables.len())).name;
        for table in &mut self.tables {
            table.foreign_keys.retain(|key| key.table != gone);
        }
        let prefix = format!("{}.", gone.name);
        self.fills.retain(|fill| !fill.starts_with(&prefix));
        let renamed = format!(":{}", gone.name);
        self.renames.retain(|rename| !rename.ends_with(&renamed) && !rename.starts_with(&prefix));
    }

    fn rename_table(&mut self, dice: &mut Dice) {
        let place = dice.below(self.tables.len());
        let old = self.tables[place].name.name.to_string();
        // Only what was there before, and once.
        if !self.origins.iter().any(|(now, before)| now.0 == old && before.0 == old)
            || self.fills.iter().chain(&self.renames).any(|text| text.starts_with(&format!("{old}.")))
        {
            return;
        }
        let new = self.name("t");
        for table in &mut self.tables {
            for key in table.foreign_keys.iter_mut().filter(|key| key.table.name == old.as_str()) {
                key.table = TableName::new(new.clone());
            }
        }
        self.tables[place].name = TableName::new(new.clone());
        self.renames.push(format!("{old}:{new}"));
        self.origins.iter_mut().filter(|(now, _)| now.0 == old).for_each(|(now, _)| now.0 = new.clone());
    }

    /// A column that nothing else speaks of.
    fn free(&self, dice: &mut Dice) -> Option<(usize, usize)> {
        let place = dice.below(self.tables.len());
        let table = &self.tables[place];
        let spoken = |name: &str| {
            let texts = table.checks.iter().map(|check| check.expression.as_ref());
            let generated = table.columns.iter().filter_map(|column| column.generated.as_ref()).map(|one| one.expression.as_ref());
            let filters = table.indexes.iter().filter_map(|index| index.filter.as_deref());
            texts.chain(generated).chain(filters).any(|text| text.split(' ').any(|word| word == name))
                || table.indexes.iter().any(|index| index.parts.iter().any(|part| part.column.as_deref() == Some(name)))
                || table.foreign_keys.iter().any(|key| key.columns.iter().any(|column| column == name))
        };
        let free: Vec<usize> = (1..table.columns.len()).filter(|number| !spoken(&table.columns[*number].name)).collect();
        if free.is_empty() { None } else { Some((place, free[dice.below(free.len())])) }
    }

    fn drop_column(&mut self, dice: &mut Dice) {
        let Some((place, number)) = self.free(dice).filter(|(place, _)| self.tables[*place].columns.len() > 2) else { return };
        let column = self.tables[place].columns.remove(number);
        let name = format!("{}.{}", self.tables[place].name.name, column.name);
        self.fills.retain(|fill| !fill.starts_with(&format!("{name}=")));
        let ending = format!(":{}", column.name);
        self.renames.retain(|rename| !rename.ends_with(&ending));
    }

    /// Any column, and everything that speaks of it.
    fn rename_column(&mut self, dice: &mut Dice) {
        let place = dice.below(self.tables.len());
        let number = 1 + dice.below(self.tables[place].columns.len() - 1);
        let (table, old) = (self.tables[place].name.name.to_string(), self.tables[place].columns[number].name.to_string());
        let first = self.origins.iter().any(|(now, before)| *now == (table.clone(), old.clone()) && before.1 == old);
        if !first {
            return;
        }
        let new = self.name("n");
        let change = |text: &str| text.split(' ').map(|word| if word == old { new.as_str() } else { word }).collect::<Vec<_>>().join(" ");
        let made = &mut self.tables[place];
        made.columns[number].name = new.clone().into();
        made.checks.iter_mut().for_each(|check| check.expression = change(&check.expression).into());
        made.columns
            .iter_mut()
            .filter_map(|column| column.generated.as_mut())
            .for_each(|one| one.expression = change(&one.expression).into());
        for index in &mut made.indexes {
            index.filter = index.filter.as_deref().map(|filter| change(filter).into());
            index
                .parts
                .iter_mut()
                .filter(|part| part.column.as_deref() == Some(&old))
                .for_each(|part| part.column = Some(new.clone().into()));
        }
        for key in &mut made.foreign_keys {
            key.columns.iter_mut().filter(|column| **column == *old).for_each(|column| *column = new.clone().into());
        }
        self.renames.push(format!("{table}.{old}:{new}"));
        self.origins.iter_mut().filter(|(now, _)| *now == (table.clone(), old.clone())).for_each(|(now, _)| now.1 = new.clone());
    }

    fn widen(&mut self, dice: &mut Dice) {
        let Some((place, number)) = self.free(dice) else { return };
        let table = self.tables[place].name.name.to_string();
        let column = &mut self.tables[place].columns[number];
        if column.generated.is_some() {
            return;
        }
        match dice.below(3) {
            0 => {
                column.ty = match &column.ty {
                    ColumnType::I16 => ColumnType::I32,
                    ColumnType::I32 => ColumnType::I64,
                    ColumnType::VarChar(_) => ColumnType::Text,
                    ColumnType::Uuid => ColumnType::VarChar(40),
                    ColumnType::Decimal(_) => ColumnType::Decimal(Some((14, 3))),
                    other => other.clone(),
                };
            }
            1 => {
                column.default = match (&column.default, default_of(&column.ty)) {
                    (ColumnDefault::None, Some(default)) => ColumnDefault::Value(default),
                    _ if column.nullable => ColumnDefault::None,
                    (default, _) => default.clone(),
                };
            }
            _ if column.nullable && matches!(column.default, ColumnDefault::Value(_)) => column.nullable = false,
            _ => {
                column.nullable = true;
                let name = format!("{table}.{}=", column.name);
                self.fills.retain(|fill| !fill.starts_with(&name));
            }
        }
    }

    /// Labels are added, moved, removed (but the one that rows have) or renamed.
    fn relabel(&mut self, dice: &mut Dice) {
        let old = self.color();
        if enums(&self.tables).is_empty() {
            return;
        }
        let mut labels = old.labels.clone();
        match dice.below(4) {
            0 => labels.push(self.name("label ").into()),
            1 => labels.insert(1, self.name("label ").into()),
            2 if labels.len() > 2 => drop(labels.pop()),
            _ => labels[1..].reverse(),
        }
        let new = Arc::new(EnumDef { name: old.name.clone(), labels });
        for column in self.tables.iter_mut().flat_map(|table| &mut table.columns) {
            if matches!(column.ty, ColumnType::Enum(_)) {
                column.ty = ColumnType::Enum(new.clone());
            }
        }
    }
}

pub fn random(dice: &mut Dice) -> Made {
    let mut made = Made { tables: Vec::new(), renames: Vec::new(), fills: Vec::new(), next: 0, origins: Vec::new() };
    for _ in 0..2 + dice.below(4) {
        let table = made.table(dice);
        made.tables.push(table);
    }
    for _ in 0..dice.below(4) {
        made.key(dice);
    }
    made
}
