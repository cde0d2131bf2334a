//! What a query should answer, found in the plainest way.

use super::documents::{matches, path_holds, whole_holds};
use super::generate::{Related, Row, World, is_paranoid, relations};
use serde_json::{Value as JsonValue, json};
use std::cmp::Ordering;

/// A mistake that the evaluator makes on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The last operand of an `or` is lost.
    DropOperand,
    /// Deleted rows of includes are shown.
    ForgetDeleted,
    /// The limit of an include holds for all parents together.
    LimitInAll,
}

pub struct Evaluator<'a> {
    pub world: &'a World,
    /// Where NULL stands when ascending.
    pub nulls_last: bool,
    /// Whether the JSON door tells texts in documents from numbers, as Sequelize does on SQLite.
    pub texts_apart: bool,
    pub bug: Option<Bug>,
}

impl<'a> Evaluator<'a> {
    /// The keys of the rows and of their includes, and the count without limit.
    pub fn answer(&self, model: &str, query: &JsonValue) -> JsonValue {
        let mut rows: Vec<&Row> = self.world.rows(model).iter().filter(|row| self.fits(model, row, query, false)).collect();
        rows.sort_by(|a, b| self.compare(a, b, query));
        let count = rows.len();
        let rows = cut(rows, query);
        json!({ "rows": self.shown(model, &rows, query), "count": count })
    }

    /// Whether a row is among those that a query or an include reads.
    fn fits(&self, model: &str, row: &Row, query: &JsonValue, included: bool) -> bool {
        let hides = is_paranoid(model) && query.get("paranoid") != Some(&JsonValue::Bool(false));
        let forgotten = included && self.bug == Some(Bug::ForgetDeleted);
        if hides && !forgotten && row.get("deleted_at").is_some_and(|at| !at.is_null()) {
            return false;
        }
        if query.get("asked").is_some_and(|asked| !self.quantified(model, row, asked)) {
            return false;
        }
        let holds = query.get("where").is_none_or(|condition| self.holds(model, row, condition, includes(query)) == Some(true));
        holds
            && includes(query).iter().all(|include| {
                include.get("required") != Some(&JsonValue::Bool(true)) || !self.related(relation(model, include), row, include).is_empty()
            })
    }

    /// Whether some, none or all of the related rows match.
    fn quantified(&self, model: &str, row: &Row, asked: &JsonValue) -> bool {
        let name = asked["relation"].as_str().unwrap_or_default();
        let relation = relations(model).iter().find(|relation| relation.name == name).expect("a relation of the model");
        let related = self.related(relation, row, &json!({}));
        let mut matching = related.iter().map(|target| self.holds(relation.target, target, &asked["where"], &[]) == Some(true));
        match asked["how"].as_str() {
            Some("any") => matching.any(|matches| matches),
            Some("none") => !matching.any(|matches| matches),
            _ => matching.all(|matches| matches),
        }
    }

    /// The related rows of a row that an include reads, before they are cut.
    fn related(&self, relation: &Related, row: &Row, include: &JsonValue) -> Vec<&'a Row> {
        let key = row.get(relation.on.0).unwrap_or(&JsonValue::Null);
        let same = |other: &Row, column: &str| !key.is_null() && other.get(column) == Some(key);
        let linked = |target: &Row| match relation.between {
            None => same(target, relation.on.1),
            Some(column) => {
                self.world.rows("BookLabel").iter().any(|link| same(link, relation.on.1) && link.get(column) == target.get("id"))
            }
        };
        let fixed =
            |target: &Row| relation.fixed.is_none_or(|(column, value)| target.get(column).and_then(JsonValue::as_str) == Some(value));
        let rows = self.world.rows(relation.target).iter();
        rows.filter(|target| linked(target) && fixed(target) && self.fits(relation.target, target, include, true)).collect()
    }

    fn shown(&self, model: &str, rows: &[&Row], query: &JsonValue) -> JsonValue {
        let mut shown: Vec<serde_json::Map<String, JsonValue>> =
            rows.iter().map(|row| [("id".to_owned(), row.get("id").cloned().unwrap_or_default())].into_iter().collect()).collect();
        for include in includes(query) {
            let relation = relation(model, include);
            let mut left = include.get("limit").and_then(JsonValue::as_u64).filter(|_| self.bug == Some(Bug::LimitInAll));
            for (row, shown) in rows.iter().zip(&mut shown) {
                let mut related = self.related(relation, row, include);
                related.sort_by(|a, b| self.compare(a, b, include));
                let value = if relation.many {
                    let mut related = cut(related, include);
                    if let Some(left) = &mut left {
                        related.truncate(usize::try_from(*left).unwrap_or(0));
                        *left -= u64::try_from(related.len()).unwrap_or(0);
                    }
                    self.shown(relation.target, &related, include)
                } else {
                    related.truncate(1);
                    self.shown(relation.target, &related, include).get(0).cloned().unwrap_or_default()
                };
                shown.insert(relation.name.into(), value);
            }
        }
        shown.into_iter().map(JsonValue::Object).collect()
    }

    /// By the order of a query; by the key where it has none.
    fn compare(&self, a: &Row, b: &Row, query: &JsonValue) -> Ordering {
        let by_key = json!([["id", "ASC"]]);
        for by in query.get("order").unwrap_or(&by_key).as_array().into_iter().flatten() {
            let name = by[0].as_str().unwrap_or_default();
            let (a, b) = (a.get(name).unwrap_or(&JsonValue::Null), b.get(name).unwrap_or(&JsonValue::Null));
            let ascending = match (a.is_null(), b.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) => {
                    if self.nulls_last {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    }
                }
                (false, true) => {
                    if self.nulls_last {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
                (false, false) => values(a, b),
            };
            let ordering = if by[1] == "DESC" { ascending.reverse() } else { ascending };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    }

    /// SQL's logic: `None` is unknown.
    fn holds(&self, model: &str, row: &Row, condition: &JsonValue, included: &[JsonValue]) -> Option<bool> {
        let parts = condition.as_object().into_iter().flatten();
        all(parts.map(|(name, test)| match name.as_str() {
            "$and" => all(test.as_array().into_iter().flatten().map(|part| self.holds(model, row, part, included))),
            "$or" => {
                let parts = test.as_array().map_or(&[][..], Vec::as_slice);
                let kept = if self.bug == Some(Bug::DropOperand) { parts.len() - 1 } else { parts.len() };
                all(parts[..kept].iter().map(|part| self.holds(model, row, part, included).map(|holds| !holds))).map(|none| !none)
            }
            "$not" => self.holds(model, row, test, included).map(|holds| !holds),
            path if path.starts_with('$') => {
                let (one, column) = path.trim_matches('$').split_once('.').unwrap_or_default();
                let one = relations(model).iter().find(|relation| relation.name == one);
                // The row that an include of the same relation finds, as in Sequelize; else the relation's own.
                let (plain, empty) = (json!({}), one.map_or("", |one| one.name));
                let include = included.iter().find(|include| include["association"] == empty).unwrap_or(&plain);
                let target = one.and_then(|one| self.related(one, row, include).first().copied());
                passes(target.and_then(|target| target.get(column)).unwrap_or(&JsonValue::Null), test)
            }
            path if path.starts_with("data.") => {
                path_holds(row.get("data").unwrap_or(&JsonValue::Null), path.trim_start_matches("data."), test, self.texts_apart)
            }
            "data" | "marks" => whole_holds(row.get(name).unwrap_or(&JsonValue::Null), test),
            column => passes(row.get(column).unwrap_or(&JsonValue::Null), test),
        }))
    }
}

fn includes(query: &JsonValue) -> &[JsonValue] {
    query.get("include").and_then(JsonValue::as_array).map_or(&[], Vec::as_slice)
}

fn relation(model: &str, include: &JsonValue) -> &'static Related {
    let name = include["association"].as_str().unwrap_or_default();
    relations(model).iter().find(|relation| relation.name == name).expect("a relation of the model")
}

fn cut<'a>(rows: Vec<&'a Row>, query: &JsonValue) -> Vec<&'a Row> {
    let number = |name: &str| query.get(name).and_then(JsonValue::as_u64).and_then(|number| usize::try_from(number).ok());
    rows.into_iter().skip(number("offset").unwrap_or(0)).take(number("limit").unwrap_or(usize::MAX)).collect()
}

fn values(a: &JsonValue, b: &JsonValue) -> Ordering {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => a.as_i64().cmp(&b.as_i64()),
    }
}

fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => known = None,
            Some(true) => {}
        }
    }
    known
}

fn passes(value: &JsonValue, test: &JsonValue) -> Option<bool> {
    all(test.as_object().into_iter().flatten().map(|(operator, right)| one(value, operator, right)))
}

fn one(value: &JsonValue, operator: &str, right: &JsonValue) -> Option<bool> {
    match (operator, right.is_null()) {
        ("$is" | "$eq", true) => return Some(value.is_null()),
        ("$ne", true) => return Some(!value.is_null()),
        _ => {}
    }
    if matches!(operator, "$in" | "$notIn") && right.as_array().is_some_and(Vec::is_empty) {
        return Some(operator == "$notIn");
    }
    if value.is_null() {
        return None;
    }
    let text = value.as_str().unwrap_or_default();
    let part = right.as_str().unwrap_or_default();
    let listed = || right.as_array().is_some_and(|list| list.iter().any(|other| values(value, other) == Ordering::Equal));
    let between = || values(value, &right[0]) != Ordering::Less && values(value, &right[1]) != Ordering::Greater;
    // The patterns are `%part_`: the part stands before the last letter.
    let like = |part: &str| !text.is_empty() && text[..text.len() - 1].ends_with(part.trim_matches(['%', '_']));
    Some(match operator {
        "$eq" => values(value, right) == Ordering::Equal,
        "$ne" => values(value, right) != Ordering::Equal,
        "$gt" => values(value, right) == Ordering::Greater,
        "$gte" => values(value, right) != Ordering::Less,
        "$lt" => values(value, right) == Ordering::Less,
        "$lte" => values(value, right) != Ordering::Greater,
        "$in" => listed(),
        "$notIn" => !listed(),
        "$between" => between(),
        "$notBetween" => !between(),
        "$like" => like(part),
        "$notLike" => !like(part),
        "$iLike" => like(&part.to_lowercase()),
        "$notILike" => !like(&part.to_lowercase()),
        "$startsWith" => text.starts_with(part),
        "$endsWith" => text.ends_with(part),
        "$substring" => text.contains(part),
        "$regexp" | "$iRegexp" => matches(text, part),
        "$notRegexp" | "$notIRegexp" => !matches(text, part),
        other => unreachable!("{other} is not generated"),
    })
}
