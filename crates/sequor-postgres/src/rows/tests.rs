//! How cells are read from the wire.

use super::*;
use chrono::TimeZone;
use sequor_core::types::EnumDef;
use sequor_core::value::RangeValue;

/// A RowDescription and a DataRow of PostgreSQL 15 with a column of every type.
const CAPTURED: &str = include_str!("tests/captured.hex");

fn captured() -> (Vec<u8>, Vec<u8>) {
    let (columns, row) = CAPTURED.split_once("\n\n").unwrap();
    let bytes = |hex: &str| {
        let digits: Vec<u32> = hex.chars().filter_map(|letter| letter.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect::<Vec<u8>>()
    };
    (bytes(columns), bytes(row))
}

struct Sample {
    columns: Vec<Column>,
    body: Vec<u8>,
    cells: Vec<Cell>,
    scratch: String,
}

impl Sample {
    fn new() -> Sample {
        let (columns, body) = captured();
        let columns = parse_columns(&columns).unwrap();
        let mut cells = Vec::new();
        assert!(find_cells(&body, columns.len(), &mut cells));
        Sample { columns, body, cells, scratch: String::new() }
    }

    fn at(&self, name: &str) -> usize {
        self.columns.iter().position(|column| &*column.name == name).unwrap()
    }

    fn row(&mut self) -> Row<'_> {
        Row::new(&self.body, &self.cells, &self.columns, &mut self.scratch)
    }

    fn any(&mut self, name: &str) -> Value {
        let at = self.at(name);
        self.row().any(at).unwrap()
    }

    fn text(&mut self, name: &str) -> String {
        let at = self.at(name);
        self.row().text(at).unwrap().unwrap().to_owned()
    }

    fn value(&mut self, name: &str, ty: &ColumnType) -> Value {
        let at = self.at(name);
        self.row().value(at, ty).unwrap()
    }
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(values.into_iter().collect())
}

#[test]
fn raw_rows_hold_what_the_server_holds() {
    let mut sample = Sample::new();
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    let instant = Utc.with_ymd_and_hms(2024, 5, 6, 5, 8, 9).unwrap() + chrono::TimeDelta::microseconds(123_456);
    for (name, expected) in [
        ("b", Value::Bool(true)),
        ("i2", Value::I64(-32768)),
        ("i4", Value::I64(2_147_483_647)),
        ("i8", Value::I64(i64::MIN)),
        ("f4", Value::F64(1.5)),
        ("n", Value::Decimal("12345.678900".parse().unwrap())),
        ("nn", Value::from("NaN")),
        ("nb", Value::Decimal(Decimal::MIN)),
        ("nt", Value::from("0.0000000000000000000000000000000000000001")),
        ("t", Value::from("text ü")),
        ("c", Value::from("c    ")),
        ("ch", Value::from("x")),
        ("na", Value::from("name")),
        ("by", Value::Bytes(vec![0, 255, 16])),
        ("u", Value::Uuid("6f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".parse().unwrap())),
        ("tz", Value::DateTime(instant)),
        ("tzi", Value::from("infinity")),
        ("ts", Value::NaiveDateTime(date(-43, 3, 15).and_time(NaiveTime::MIN))),
        ("d", Value::Date(date(2024, 2, 29))),
        ("di", Value::from("-infinity")),
        ("ti", Value::Time(NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap())),
        ("t24", Value::from("24:00:00")),
        ("ttz", Value::from("12:34:56+05:30")),
        ("j", Value::from(serde_json::json!({ "a": [1, null] }))),
        ("jb", Value::from(serde_json::json!({ "a": "ü" }))),
        ("inet", Value::from("10.1.2.3/8")),
        ("cidr", Value::from("2001:db8::/32")),
        ("mac", Value::from("08:00:2b:01:02:03")),
        ("iv", Value::from("1 year 2 mons -3 days +04:05:06.789")),
        ("bi", Value::from("10110")),
        ("tv", Value::from("'cat':1 'fat':2A")),
        ("jp", Value::from("$.\"a\"")),
        ("o", Value::I64(77)),
        ("ia", list([Value::I64(1), Value::I64(2), Value::Null])),
        ("ta", list([list([Value::from("a"), Value::from("b")]), list([Value::from("c"), Value::Null])])),
        ("ea", list([])),
        ("r4", range(Some((Value::I64(1), true)), Some((Value::I64(5), false)))),
        ("re", Value::Range(Box::new(RangeValue::Empty))),
        ("rd", range(None, Some((Value::Date(date(2024, 1, 2)), false)))),
        ("ra", list([range(Some((Value::I64(1), true)), Some((Value::I64(2), false)))])),
        ("e", Value::from("sad")),
        ("ema", list([Value::from("sad"), Value::from("it's ok")])),
        ("ct", Value::from("CiText")),
        ("h", Value::from(serde_json::json!({ "a": "1", "b": null }))),
        ("nul", Value::Null),
        ("na2", list([Value::Decimal("1.50".parse().unwrap())])),
        ("ja", list([Value::from(serde_json::json!({ "k": 1 }))])),
    ] {
        assert_eq!(sample.any(name), expected, "{name}");
    }
    assert!(matches!(sample.any("f8"), Value::F64(value) if value.is_nan()));
    assert!(matches!(sample.any("rec"), Value::Bytes(_)));
}

fn range(lower: Option<(Value, bool)>, upper: Option<(Value, bool)>) -> Value {
    Value::Range(Box::new(RangeValue::Between { lower, upper }))
}

#[test]
fn what_the_server_spells_as_text_is_read_as_text() {
    let mut sample = Sample::new();
    for (name, expected) in [
        ("u", "6f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"),
        ("inet", "10.1.2.3/8"),
        ("iv", "1 year 2 mons -3 days +04:05:06.789"),
        ("e", "sad"),
        ("ct", "CiText"),
        ("v", "v"),
        ("j", "{\"a\": [1, null]}"),
    ] {
        assert_eq!(sample.text(name), expected);
    }
    for name in ["b", "i4", "f8", "n", "tz", "ia", "h", "by"] {
        let at = sample.at(name);
        let error = sample.row().text(at).unwrap_err();
        assert!(error.to_string().contains(name) && error.to_string().contains("expected text"), "{error}");
    }
}

#[test]
fn columns_are_read_by_their_models_types() {
    let mut sample = Sample::new();
    let mood = ColumnType::Enum(std::sync::Arc::new(EnumDef { name: "mood".into(), labels: vec!["sad".into()] }));
    assert_eq!(sample.value("i4", &ColumnType::U64), Value::I64(2_147_483_647));
    assert_eq!(sample.value("e", &mood), Value::from("sad"));
    assert_eq!(sample.value("ema", &ColumnType::Array(Box::new(mood))), list([Value::from("sad"), Value::from("it's ok")]));
    assert_eq!(sample.value("h", &ColumnType::HStore), Value::from(serde_json::json!({ "a": "1", "b": null })));
    assert_eq!(sample.value("i4", &ColumnType::F64), Value::F64(2_147_483_647.0));
    assert_eq!(
        sample.value("r4", &ColumnType::Range(Box::new(ColumnType::I32))),
        range(Some((Value::I64(1), true)), Some((Value::I64(5), false)))
    );
    assert_eq!(sample.value("nul", &ColumnType::I32), Value::Null);
    for (name, ty) in [
        ("i8", ColumnType::U64),
        ("i8", ColumnType::I32),
        ("i4", ColumnType::I16),
        ("nt", ColumnType::Decimal(None)),
        ("nn", ColumnType::Decimal(None)),
        ("tzi", ColumnType::DateTime(6)),
        ("di", ColumnType::Date),
        ("t24", ColumnType::Time),
        ("t", ColumnType::I64),
        ("i4", ColumnType::Bool),
        ("b", ColumnType::Text),
        ("tz", ColumnType::NaiveDateTime(6)),
        ("i4", ColumnType::Array(Box::new(ColumnType::I32))),
        ("i4", ColumnType::Range(Box::new(ColumnType::I32))),
        ("i4", ColumnType::HStore),
        ("ta", ColumnType::Array(Box::new(ColumnType::I32))),
        ("t", ColumnType::Json(true)),
        ("t", ColumnType::Bytes),
    ] {
        let at = sample.at(name);
        let error = sample.row().value(at, &ty).unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{name} as {ty:?}: {error:?}");
        assert!(error.to_string().contains(&format!(" {name}: ")), "{error}");
    }
}

#[test]
fn cells_past_the_end_are_errors() {
    let mut sample = Sample::new();
    let count = sample.columns.len();
    let mut row = sample.row();
    assert_eq!(row.len(), count);
    assert!(row.i64(count).is_err() && row.text(count).is_err() && row.any(usize::MAX).is_err() && row.is_null(count).is_err());
}

/// Reads every cell in every way.
fn read_all(columns: &[Column], body: &[u8], types: &[ColumnType]) {
    let (mut cells, mut scratch) = (Vec::new(), String::new());
    if !find_cells(body, columns.len(), &mut cells) {
        return;
    }
    let mut row = Row::new(body, &cells, columns, &mut scratch);
    for index in 0..columns.len() {
        let _ = row.is_null(index);
        let _ = row.bool(index);
        let _ = row.i64(index);
        let _ = row.u64(index);
        let _ = row.f64(index);
        let _ = row.decimal(index);
        let _ = row.text(index).map(|text| text.map(str::len));
        let _ = row.bytes(index).map(|bytes| bytes.map(<[u8]>::len));
        let _ = row.uuid(index);
        let _ = row.date_time(index);
        let _ = row.naive_date_time(index);
        let _ = row.date(index);
        let _ = row.time(index);
        let _ = row.json(index).map(|text| text.map(str::len));
        let _ = row.any(index);
        for ty in types {
            let _ = row.value(index, ty);
        }
    }
}

fn some_types() -> Vec<ColumnType> {
    vec![
        ColumnType::I32,
        ColumnType::Text,
        ColumnType::Json(true),
        ColumnType::HStore,
        ColumnType::Array(Box::new(ColumnType::Text)),
        ColumnType::Array(Box::new(ColumnType::Range(Box::new(ColumnType::I64)))),
        ColumnType::Range(Box::new(ColumnType::Decimal(None))),
        ColumnType::Interval,
    ]
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_a_decoder_panic() {
    let (columns_bytes, body) = captured();
    let columns = parse_columns(&columns_bytes).unwrap();
    let types = some_types();
    read_all(&columns, &body, &types);
    for length in 0..body.len() {
        read_all(&columns, &body[..length], &types);
    }
    let mut flipped = body.clone();
    for place in 0..body.len() {
        for flip in [0x01, 0x80, 0xff] {
            flipped[place] ^= flip;
            read_all(&columns, &flipped, &types);
            flipped[place] = body[place];
        }
    }
    for length in 0..columns_bytes.len() {
        assert!(parse_columns(&columns_bytes[..length]).is_none());
    }
}

#[test]
fn any_bytes_in_any_type_are_a_value_or_an_error() {
    // Cells of random bytes, read as every type: the row itself is sound.
    let (columns_bytes, _) = captured();
    let mut columns = parse_columns(&columns_bytes).unwrap();
    columns.push(Column { name: "unknown".into(), oid: 999_999 });
    let types = some_types();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..150 {
        let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
        for _ in &columns {
            let length = usize::try_from(random() % 40).unwrap();
            body.extend(u32::try_from(length).unwrap().to_be_bytes());
            // Small numbers are more often lengths that fit.
            body.extend((0..length).map(|_| u8::try_from(random() % 256).unwrap() & if random() % 2 == 0 { 0x03 } else { 0xff }));
        }
        read_all(&columns, &body, &types);
    }
}

#[test]
fn lying_lengths_inside_of_cells_do_not_allocate() {
    // An array that claims 2^31 elements, an hstore of 2^32 pairs, a search document of as many words.
    let columns: Vec<Column> = [oid::INT4_ARRAY, 999_999, oid::TSVECTOR].iter().map(|oid| Column { name: "x".into(), oid: *oid }).collect();
    let mut body = vec![0, 3];
    for cell in [[&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1][..]].concat(), vec![0xff; 4], vec![0xff; 4]] {
        body.extend(u32::try_from(cell.len()).unwrap().to_be_bytes());
        body.extend(cell);
    }
    read_all(&columns, &body, &some_types());
}
