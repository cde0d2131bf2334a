//! What comes back of a bulk create, put into the rows that it is of.

use super::super::conflict::Taken;
use super::groups::Group;
use super::{Part, Way, give_back};
use crate::load::unsink;
use crate::write::RowState;
use crate::write::insert::ValuesSink;
use crate::write::save::same_value;
use sequor_core::Value;
use sequor_core::driver::StepDone;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;

/// Puts what came back into the rows of a part.
pub(super) fn answer(model: &ModelDef, group: &mut Group, part: &Part, mut done: StepDone) -> Result<()> {
    let back = &group.back;
    let ignoring = matches!(group.taken, Taken::Stays { .. });
    // Keys are not consecutive where some rows met old ones.
    let meets = !group.fresh && !matches!(group.taken, Taken::Fails);
    let counted = model.primary_key.first().copied().filter(|key| model.columns[*key].auto_increment && !group.positions.contains(key));
    let (last, step, params) = (done.last_insert_id, done.key_step, std::mem::take(&mut done.params));
    let returned = if back.is_empty() { None } else { Some(unsink::<ValuesSink>(done)?) };
    let rows = &mut group.rows[part.rows.clone()];
    give_back(&group.positions, part.way, params, rows);
    if let Some(returned) = returned {
        take_back(returned, rows, (back, &group.positions), ignoring)?;
    } else if let (Some(key), Some(last), false) = (counted, last, meets) {
        // MySQL tells the first of keys that lie a step apart, which a simple insert of known length always gets; SQLite the last.
        let length = i64::try_from(rows.len()).unwrap_or(0);
        let first = if part.way == Way::Loop { last + 1 - length } else { last };
        for (row, number) in rows.iter_mut().zip(0..) {
            row.values[key] = Some(Value::I64(first + number * step));
        }
    }
    for row in rows {
        row.computed.clear();
        for value in &mut row.values {
            value.get_or_insert_default();
        }
    }
    Ok(())
}

/// Puts returned cells into the rows that they are of.
fn take_back(returned: ValuesSink, rows: &mut [RowState], (back, written): (&[usize], &[usize]), ignoring: bool) -> Result<()> {
    if ignoring {
        let returned = matched(returned.into_rows(), rows, written);
        for (row, values) in rows.iter_mut().zip(returned) {
            for (position, value) in back.iter().zip(values.into_iter().flatten()) {
                row.values[*position] = Some(value);
            }
        }
        return Ok(());
    }
    let (count, mut cells) = returned.into_cells();
    if count != rows.len() {
        return Err(Error::bug("an insert gave back another number of rows than it was given"));
    }
    for row in rows {
        for position in back {
            row.values[*position] = cells.next();
        }
    }
    Ok(())
}

/// Which of the given rows came back: those that a conflict left out did not, and MySQL gives the old row in their place.
pub(super) fn matched(returned: Vec<Vec<Value>>, rows: &[RowState], positions: &[usize]) -> Vec<Option<Vec<Value>>> {
    let mut returned: Vec<Option<Vec<Value>>> = returned.into_iter().map(Some).collect();
    let fits = |back: &Vec<Value>, row: &RowState| {
        positions.iter().all(|position| same_value(row.values[*position].as_ref().unwrap_or(&Value::Null), &back[*position]))
    };
    rows.iter()
        .map(|row| {
            let place = returned.iter().position(|back| back.as_ref().is_some_and(|back| fits(back, row)))?;
            returned[place].take()
        })
        .collect()
}
