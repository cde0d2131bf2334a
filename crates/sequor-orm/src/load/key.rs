//! Keys that children and parents find each other by, whatever their types.

use foldhash::fast::RandomState;
use sequor_core::Value;
use sequor_core::driver::RowReader;
use sequor_core::error::Result;
use sequor_core::types::ColumnType;
use std::collections::HashMap;

/// A key that can be looked up.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum KeyHash {
    Integer(i64),
    Uuid(uuid::Uuid),
    Text(String),
    Bytes(Vec<u8>),
    /// A key of several columns.
    Several(Vec<KeyHash>),
}

impl KeyHash {
    pub(crate) fn new(key: &[Value]) -> KeyHash {
        match key {
            [value] => KeyHash::one(value.clone()),
            several => KeyHash::Several(several.iter().cloned().map(KeyHash::one).collect()),
        }
    }

    /// The key of one column in a cell of a row.
    pub(crate) fn read(row: &mut dyn RowReader, cell: usize, ty: &ColumnType) -> Result<KeyHash> {
        if is_small_integer(ty)
            && let Some(number) = row.i64(cell)?
        {
            return Ok(KeyHash::Integer(number));
        }
        Ok(KeyHash::one(row.value(cell, ty)?))
    }

    /// A key of one column.
    pub(crate) fn one(value: Value) -> KeyHash {
        match value {
            Value::I64(number) => KeyHash::Integer(number),
            Value::Uuid(uuid) => KeyHash::Uuid(uuid),
            Value::Text(text) => KeyHash::Text(text),
            Value::Bytes(bytes) => KeyHash::Bytes(bytes),
            Value::Decimal(number) => KeyHash::Text(number.normalize().to_string()),
            other => KeyHash::Text(other.to_json().to_string()),
        }
    }
}

/// The rows that have one key: nearly always a single one.
#[derive(Clone, Debug, Default)]
pub(super) enum Rows {
    /// None.
    #[default]
    Nobody,
    /// One.
    One(usize),
    /// Several, in order.
    Several(Vec<usize>),
}

impl Rows {
    pub(super) fn push(&mut self, row: usize) {
        match self {
            Rows::Nobody => *self = Rows::One(row),
            Rows::One(first) => *self = Rows::Several(vec![*first, row]),
            Rows::Several(rows) => rows.push(row),
        }
    }

    pub(super) fn as_slice(&self) -> &[usize] {
        match self {
            Rows::Nobody => &[],
            Rows::One(row) => std::slice::from_ref(row),
            Rows::Several(rows) => rows,
        }
    }
}

/// Which rows have a key.
pub(super) enum Owners {
    /// Each row has a number of its own, larger than that of the row before, as keys of rows mostly are: looking there takes less than a table.
    Ascending(Vec<i64>),
    /// Any others.
    Any(HashMap<KeyHash, Rows, RandomState>),
}

impl Owners {
    /// The rows that have a key.
    pub(super) fn get(&self, key: &KeyHash) -> Option<Rows> {
        match (self, key) {
            (Owners::Ascending(_), KeyHash::Integer(number)) => self.one(*number, 0).map(Rows::One),
            (Owners::Ascending(_), _) => None,
            (Owners::Any(rows), key) => rows.get(key).cloned(),
        }
    }

    /// The only row that has a number; it is looked for at a guess first.
    pub(super) fn one(&self, number: i64, guess: usize) -> Option<usize> {
        match self {
            Owners::Ascending(numbers) if numbers.get(guess) == Some(&number) => Some(guess),
            Owners::Ascending(numbers) => numbers.binary_search(&number).ok(),
            Owners::Any(rows) => match rows.get(&KeyHash::Integer(number))? {
                Rows::One(row) => Some(*row),
                _ => None,
            },
        }
    }

    /// Whether several rows have one key.
    pub(super) fn shared(&self) -> bool {
        match self {
            Owners::Ascending(_) => false,
            Owners::Any(rows) => rows.values().any(|rows| rows.as_slice().len() > 1),
        }
    }
}

/// Keys of rows, all of one width, one after the other in one list.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    width: usize,
    values: Vec<Value>,
}

impl Keys {
    /// No keys yet; each will have so many values.
    pub(crate) fn new(width: usize) -> Keys {
        Keys { width: width.max(1), values: Vec::new() }
    }

    /// Adds a key.
    pub(crate) fn push(&mut self, key: impl IntoIterator<Item = Value>) {
        self.values.extend(key);
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The key of this number.
    pub(crate) fn get(&self, number: usize) -> Option<&[Value]> {
        self.iter().nth(number)
    }

    pub(crate) fn iter(&self) -> std::slice::ChunksExact<'_, Value> {
        self.values.chunks_exact(self.width)
    }

    /// The values of keys of one column.
    pub(crate) fn singles(&self) -> Option<&[Value]> {
        (self.width == 1).then_some(&*self.values)
    }

    /// Each key in a list of its own.
    pub(crate) fn rows(&self) -> Vec<Vec<Value>> {
        self.iter().map(<[Value]>::to_vec).collect()
    }
}

/// The keys of rows, each once and in order, and who has them. NULL points to nothing.
pub(super) fn owners<K>(width: usize, keys: impl Iterator<Item = K>) -> (Owners, Keys)
where
    K: AsRef<[Value]> + IntoIterator<Item = Value>,
{
    let most = keys.size_hint().0;
    let mut owners: HashMap<KeyHash, Rows, RandomState> = HashMap::with_capacity_and_hasher(most, RandomState::default());
    let mut once = Keys { width: width.max(1), values: Vec::with_capacity(most * width) };
    for (row, key) in keys.enumerate() {
        if key.as_ref().iter().any(Value::is_null) {
            continue;
        }
        let rows = owners.entry(KeyHash::new(key.as_ref())).or_default();
        if rows.as_slice().is_empty() {
            once.push(key);
        }
        rows.push(row);
    }
    (Owners::Any(owners), once)
}

/// The same for keys that are numbers.
pub(super) fn owners_of_numbers(numbers: Vec<i64>) -> (Owners, Keys) {
    if !numbers.is_sorted_by(|one, next| one < next) {
        return owners(1, numbers.into_iter().map(|number| [Value::I64(number)]));
    }
    let keys = Keys { width: 1, values: numbers.iter().copied().map(Value::I64).collect() };
    (Owners::Ascending(numbers), keys)
}

/// The parents that rows hang on, given their keys and how one is looked for.
pub(super) fn owned<K: PartialEq>(keys: &[K], mut owner: impl FnMut(&K) -> Option<Rows>) -> Vec<Rows> {
    let mut parents: Vec<Rows> = Vec::with_capacity(keys.len());
    // Rows of one parent mostly come one after the other.
    for same in keys.chunk_by(|one, next| one == next) {
        let found = same.first().and_then(&mut owner).unwrap_or_default();
        parents.extend(std::iter::repeat_n(found, same.len()));
    }
    parents
}

/// Whether every value of a type is an `i64`.
pub(crate) fn is_small_integer(ty: &ColumnType) -> bool {
    use ColumnType::{I8, I16, I32, I64, U8, U16, U32};
    matches!(ty, I8 | I16 | I32 | I64 | U8 | U16 | U32)
}

/// Rows by the parent that they hang on.
pub(super) struct Groups {
    /// Where the rows of each parent begin; one more than there are parents.
    starts: Vec<usize>,
    rows: Vec<usize>,
    /// Whether the rows stand as they came.
    in_order: bool,
}

impl Groups {
    /// Groups rows, given the parents of each, below `count` parents: in the order of the rows, or of their keys where those are given.
    pub(super) fn new(count: usize, parents: &[Rows], keys: Option<&[i64]>) -> Groups {
        let mut groups = Groups::as_they_come(count, parents).unwrap_or_else(|| Groups::gathered(count, parents));
        if let Some(keys) = keys {
            groups.sort(keys);
        }
        groups
    }

    /// Rows that come parent by parent, each with one, which is what a server mostly gives for one list of keys.
    fn as_they_come(count: usize, parents: &[Rows]) -> Option<Groups> {
        let mut starts = Vec::with_capacity(count + 1);
        for (row, parents) in parents.iter().enumerate() {
            let Rows::One(parent) = parents else { return None };
            if *parent >= count || *parent + 1 < starts.len() {
                return None;
            }
            if *parent >= starts.len() {
                starts.resize(*parent + 1, row);
            }
        }
        starts.resize(count + 1, parents.len());
        Some(Groups { starts, rows: (0..parents.len()).collect(), in_order: true })
    }

    fn gathered(count: usize, parents: &[Rows]) -> Groups {
        let mut starts = vec![0; count + 1];
        for parent in parents.iter().flat_map(Rows::as_slice).filter(|parent| **parent < count) {
            starts[parent + 1] += 1;
        }
        for parent in 0..count {
            starts[parent + 1] += starts[parent];
        }
        let mut rows = vec![0; starts[count]];
        let mut next = starts.clone();
        for (row, parents) in parents.iter().enumerate() {
            for parent in parents.as_slice().iter().filter(|parent| **parent < count) {
                rows[next[*parent]] = row;
                next[*parent] += 1;
            }
        }
        Groups { starts, rows, in_order: false }
    }

    /// Sorts the rows of each parent by their keys; nearly always they are.
    fn sort(&mut self, keys: &[i64]) {
        let key = |row: &usize| keys.get(*row).copied().unwrap_or_default();
        for (start, end) in self.starts.iter().zip(self.starts.iter().skip(1)) {
            let Some(group) = self.rows.get_mut(*start..*end) else { continue };
            if !group.is_sorted_by_key(key) {
                group.sort_by_key(key);
                self.in_order = false;
            }
        }
    }

    /// Where the rows of each parent begin, and where the last one's end, if all rows stand as they came.
    pub(super) fn in_order(&self) -> Option<&[usize]> {
        self.in_order.then_some(&*self.starts)
    }

    /// The rows of a parent.
    pub(super) fn of(&self, parent: usize) -> &[usize] {
        match (self.starts.get(parent), self.starts.get(parent + 1)) {
            (Some(start), Some(end)) => self.rows.get(*start..*end).unwrap_or_default(),
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of each parent.
    fn all(groups: &Groups, count: usize) -> Vec<Vec<usize>> {
        (0..count).map(|parent| groups.of(parent).to_vec()).collect()
    }

    #[test]
    fn rows_that_come_parent_by_parent_are_grouped_like_any_others() -> std::result::Result<(), &'static str> {
        let one = |parents: &[usize]| parents.iter().map(|parent| Rows::One(*parent)).collect::<Vec<_>>();
        for parents in [vec![], vec![0, 0, 1, 3, 3], vec![2], vec![1, 1, 4]] {
            let parents = one(&parents);
            let quick = Groups::as_they_come(5, &parents).ok_or("they come parent by parent")?;
            assert_eq!(all(&quick, 5), all(&Groups::gathered(5, &parents), 5));
        }
        assert!(Groups::as_they_come(5, &one(&[1, 0])).is_none(), "a parent comes back");
        assert!(Groups::as_they_come(2, &one(&[0, 2])).is_none(), "no such parent");
        assert!(Groups::as_they_come(2, &[Rows::One(0), Rows::Nobody]).is_none());
        assert!(Groups::as_they_come(2, &[Rows::Several(vec![0, 1])]).is_none());
        let mixed = [Rows::Several(vec![0, 1]), Rows::Nobody, Rows::One(0), Rows::One(7)];
        assert_eq!(all(&Groups::new(2, &mixed, None), 2), [vec![0, 2], vec![0]]);
        assert_eq!(all(&Groups::new(2, &one(&[0, 0, 1]), Some(&[9, 3, 5])), 2), [vec![1, 0], vec![2]], "by their keys");
        Ok(())
    }

    #[test]
    fn rows_are_found_by_their_numbers_in_any_order() {
        let found = |numbers: &[i64]| {
            let (owners, keys) = owners_of_numbers(numbers.to_vec());
            let row = |number: i64| owners.get(&KeyHash::Integer(number)).map(|rows| rows.as_slice().to_vec());
            ([3, 4, 5, 9].map(row), keys.len(), owners.shared(), [0, 1, 7].map(|guess| owners.one(5, guess)))
        };
        let apart = [Some(vec![0]), None, Some(vec![1]), Some(vec![2])];
        assert_eq!(found(&[3, 5, 9]), (apart, 3, false, [Some(1); 3]));
        let back = [Some(vec![2]), None, Some(vec![1]), Some(vec![0])];
        assert_eq!(found(&[9, 5, 3]), (back, 3, false, [Some(1); 3]));
        let shared = [Some(vec![0]), None, Some(vec![1, 2]), None];
        assert_eq!(found(&[3, 5, 5]), (shared, 2, true, [None; 3]), "two rows have the number");
        assert_eq!(found(&[]), ([const { None }; 4], 0, false, [None; 3]));
        assert!(owners_of_numbers(vec![3]).0.get(&KeyHash::Text("3".into())).is_none());
    }

    #[test]
    fn neighbours_with_one_key_are_looked_up_once() {
        let rows = [Rows::One(4), Rows::Several(vec![0, 1])];
        let mut asked = Vec::new();
        let found = owned(&[7, 7, 8, 9, 7], |key| {
            asked.push(*key);
            match key {
                7 => rows.first().cloned(),
                8 => rows.last().cloned(),
                _ => None,
            }
        });
        assert_eq!(asked, [7, 8, 9, 7]);
        let found: Vec<&[usize]> = found.iter().map(Rows::as_slice).collect();
        assert_eq!(found, [&[4][..], &[4], &[0, 1], &[], &[4]]);
    }
}
