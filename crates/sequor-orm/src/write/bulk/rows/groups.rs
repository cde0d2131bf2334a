//! Rows of a bulk create in groups that are written by the same columns.

use super::super::conflict::Taken;
use super::COMPUTED;
use crate::write::RowState;
use crate::write::insert::wanted;
use sequor_core::Value;
use sequor_core::schema::{Default as ColumnDefault, ModelDef};

/// Rows that are written by the same columns.
pub(super) struct Group {
    /// Whether the database computes something in them.
    pub(super) computed: bool,
    /// None of its rows can meet an old one: each has NULL in every unique key that is given.
    pub(super) fresh: bool,
    /// What becomes of a row whose key is taken.
    pub(super) taken: Taken,
    /// The columns that come back: found before the first statement, since answers change the rows.
    pub(super) back: Vec<usize>,
    pub(super) positions: Vec<usize>,
    /// Their places in the input.
    pub(super) places: Vec<usize>,
    pub(super) rows: Vec<RowState>,
}

/// Whether a bulk insert writes a column: what a single insert writes, and NULL where a column takes it and has no default, so that rows of
/// different keys share a statement.
fn writes(model: &ModelDef, row: &RowState, position: usize) -> bool {
    let column = &model.columns[position];
    let left_out = || {
        row.values[position].is_none()
            && matches!(column.default, ColumnDefault::None)
            && column.nullable
            && column.generated.is_none()
            && !column.auto_increment
    };
    wanted(model, row, position) || left_out()
}

/// Whether two rows have values in the same columns, and no expressions. NULL is a value, but not in these columns, which count themselves up.
fn alike(one: &RowState, other: &RowState, counted: &[usize]) -> bool {
    let null = |row: &RowState, position: usize| row.values[position].as_ref().is_some_and(Value::is_null);
    one.computed.is_empty()
        && other.computed.is_empty()
        && one.values.iter().zip(&other.values).all(|(one, other)| one.is_none() == other.is_none())
        && counted.iter().all(|position| null(one, *position) == null(other, *position))
}

/// Rows that are written by the same columns. `mixes`: a few rows share a statement although some have their key and others get one.
pub(super) fn grouped(model: &ModelDef, rows: Vec<RowState>, mixes: bool) -> Vec<Group> {
    let counted: Vec<usize> = (0..model.columns.len()).filter(|position| model.columns[*position].auto_increment).collect();
    if let Some((first, rest)) = rows.split_first()
        && rest.iter().all(|row| alike(first, row, &counted))
    {
        let positions = (0..model.columns.len()).filter(|position| writes(model, first, *position)).collect();
        let computed = !first.computed.is_empty();
        return vec![Group {
            computed,
            fresh: false,
            taken: Taken::Fails,
            back: Vec::new(),
            positions,
            places: (0..rows.len()).collect(),
            rows,
        }];
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut last = None;
    // A few rows share a statement although the database computes something in some of them.
    let together = rows.len() <= COMPUTED;
    for (place, row) in rows.into_iter().enumerate() {
        // Most rows are made like the one before them.
        let pattern = pattern(&row);
        if let Some((known, number)) = last
            && pattern == Some(known)
            && let Some(group) = groups.get_mut::<usize>(number)
        {
            group.places.push(place);
            group.rows.push(row);
            continue;
        }
        let differs = |group: &Group, position: usize| writes(model, &row, position) != group.positions.binary_search(&position).is_ok();
        let fits = |group: &Group| {
            let free = |position: usize| mixes && together && counted.contains(&position);
            (together || group.computed != row.computed.is_empty())
                && (0..model.columns.len()).all(|position| free(position) || !differs(group, position))
        };
        let number = groups.iter().position(fits);
        last = pattern.map(|pattern| (pattern, number.unwrap_or(groups.len())));
        match number.and_then(|number| groups.get_mut(number)) {
            Some(group) => {
                let mixed = counted.iter().any(|position| differs(group, *position));
                group.computed |= mixed || !row.computed.is_empty();
                let more = counted.iter().filter(|position| writes(model, &row, **position));
                for position in more {
                    if let Err(at) = group.positions.binary_search(position) {
                        group.positions.insert(at, *position);
                    }
                }
                group.places.push(place);
                group.rows.push(row);
            }
            None => {
                let positions = (0..model.columns.len()).filter(|position| writes(model, &row, *position)).collect();
                groups.push(Group {
                    computed: !row.computed.is_empty(),
                    fresh: false,
                    taken: Taken::Fails,
                    back: Vec::new(),
                    positions,
                    places: vec![place],
                    rows: vec![row],
                });
            }
        }
    }
    groups
}

/// The rows of a group that can meet an old one, and those that cannot: only the keys of these are consecutive, where the database tells no more than the first.
pub(super) fn apart(model: &ModelDef, group: Group) -> Vec<Group> {
    let given: Vec<Vec<usize>> =
        model.unique_keys().into_iter().filter(|key| key.iter().all(|position| group.positions.contains(position))).collect();
    let null = |row: &RowState, position: &usize| row.values[*position].as_ref().is_none_or(Value::is_null);
    let fresh = |row: &RowState| row.computed.is_empty() && given.iter().all(|key| key.iter().any(|position| null(row, position)));
    let Group { computed, positions, places, rows, .. } = group;
    let (new, old): (Vec<_>, Vec<_>) = places.into_iter().zip(rows).partition(|(_, row)| fresh(row));
    let group = |(fresh, rows): (bool, Vec<(usize, RowState)>)| {
        let (places, rows) = rows.into_iter().unzip();
        Group { computed, fresh, taken: Taken::Fails, back: Vec::new(), positions: positions.clone(), places, rows }
    };
    [(false, old), (true, new)].into_iter().filter(|(_, rows)| !rows.is_empty()).map(group).collect()
}

/// All that decides the group of a row without expressions: which of its values are missing, and which are NULL.
fn pattern(row: &RowState) -> Option<u128> {
    let plain = row.computed.is_empty() && row.values.len() <= 64;
    let state = |value: &Option<Value>| match value {
        None => 0,
        Some(Value::Null) => 1,
        Some(_) => 2,
    };
    plain.then(|| row.values.iter().fold(0, |pattern, value| pattern << 2 | state(value)))
}
