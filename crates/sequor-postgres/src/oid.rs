//! The numbers of PostgreSQL's built-in types, and how arrays and ranges relate to their elements.

use sequor_core::types::ScalarType;

macro_rules! oids {
    ($($name:ident = $number:literal),* $(,)?) => {$(
        pub(crate) const $name: u32 = $number;
    )*};
}

oids! {
    BOOL = 16, BYTEA = 17, CHAR = 18, NAME = 19, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25, OID = 26, XID = 28, CID = 29, JSON = 114, XML = 142,
    PG_NODE_TREE = 194, CIDR = 650, FLOAT4 = 700, FLOAT8 = 701, UNKNOWN = 705, MACADDR8 = 774, MACADDR = 829, INET = 869, BPCHAR = 1042, VARCHAR = 1043,
    DATE = 1082, TIME = 1083, TIMESTAMP = 1114, TIMESTAMPTZ = 1184, INTERVAL = 1186, TIMETZ = 1266, BIT = 1560, VARBIT = 1562, NUMERIC = 1700,
    REGPROC = 24, REGCLASS = 2205, REGTYPE = 2206, UUID = 2950, TSVECTOR = 3614, JSONB = 3802, JSONPATH = 4072, XID8 = 5069,
    INT4RANGE = 3904, NUMRANGE = 3906, TSRANGE = 3908, TSTZRANGE = 3910, DATERANGE = 3912, INT8RANGE = 3926,
    BOOL_ARRAY = 1000, BYTEA_ARRAY = 1001, NAME_ARRAY = 1003, INT2_ARRAY = 1005, INT4_ARRAY = 1007, TEXT_ARRAY = 1009,
    BPCHAR_ARRAY = 1014, VARCHAR_ARRAY = 1015, INT8_ARRAY = 1016, FLOAT4_ARRAY = 1021, FLOAT8_ARRAY = 1022, OID_ARRAY = 1028, MACADDR_ARRAY = 1040,
    INET_ARRAY = 1041, CIDR_ARRAY = 651, TIMESTAMP_ARRAY = 1115, DATE_ARRAY = 1182, TIME_ARRAY = 1183, TIMESTAMPTZ_ARRAY = 1185,
    INTERVAL_ARRAY = 1187, NUMERIC_ARRAY = 1231, UUID_ARRAY = 2951, JSON_ARRAY = 199, JSONB_ARRAY = 3807, XML_ARRAY = 143,
    INT4RANGE_ARRAY = 3905, NUMRANGE_ARRAY = 3907, TSRANGE_ARRAY = 3909, TSTZRANGE_ARRAY = 3911, DATERANGE_ARRAY = 3913, INT8RANGE_ARRAY = 3927,
    TIMETZ_ARRAY = 1270, BIT_ARRAY = 1561, VARBIT_ARRAY = 1563, TSVECTOR_ARRAY = 3643, MACADDR8_ARRAY = 775,
}

/// The type of a range's ends.
pub(crate) fn range_element(oid: u32) -> Option<u32> {
    Some(match oid {
        INT4RANGE => INT4,
        INT8RANGE => INT8,
        NUMRANGE => NUMERIC,
        TSRANGE => TIMESTAMP,
        TSTZRANGE => TIMESTAMPTZ,
        DATERANGE => DATE,
        _ => return None,
    })
}

/// Whether a type is an array of a built-in type.
pub(crate) fn is_array(oid: u32) -> bool {
    matches!(
        oid,
        BOOL_ARRAY
            ..=NAME_ARRAY
                | INT2_ARRAY
                | INT4_ARRAY
                | TEXT_ARRAY
                | BPCHAR_ARRAY
                | VARCHAR_ARRAY
                | INT8_ARRAY
                | FLOAT4_ARRAY
                | FLOAT8_ARRAY
                | OID_ARRAY
                | MACADDR_ARRAY
                | INET_ARRAY
                | CIDR_ARRAY
                | TIMESTAMP_ARRAY
                | DATE_ARRAY
                | TIME_ARRAY
                | TIMESTAMPTZ_ARRAY
                | INTERVAL_ARRAY
                | NUMERIC_ARRAY
                | UUID_ARRAY
                | JSON_ARRAY
                | JSONB_ARRAY
                | XML_ARRAY
                | TIMETZ_ARRAY
                | BIT_ARRAY
                | VARBIT_ARRAY
                | TSVECTOR_ARRAY
                | MACADDR8_ARRAY
                | INT4RANGE_ARRAY
                | NUMRANGE_ARRAY
                | TSRANGE_ARRAY
                | TSTZRANGE_ARRAY
                | DATERANGE_ARRAY
                | INT8RANGE_ARRAY
    )
}

/// The type that a scalar parameter is declared with; 0 leaves it to the server.
pub(crate) fn of_scalar(scalar: ScalarType) -> u32 {
    match scalar {
        ScalarType::Inferred => 0,
        ScalarType::Bool => BOOL,
        ScalarType::I16 => INT2,
        ScalarType::I32 => INT4,
        ScalarType::I64 => INT8,
        ScalarType::U64 | ScalarType::Decimal => NUMERIC,
        ScalarType::F32 => FLOAT4,
        ScalarType::F64 => FLOAT8,
        ScalarType::Text => TEXT,
        ScalarType::Bytes => BYTEA,
        ScalarType::Uuid => UUID,
        ScalarType::DateTime => TIMESTAMPTZ,
        ScalarType::NaiveDateTime => TIMESTAMP,
        ScalarType::Date => DATE,
        ScalarType::Time => TIME,
        ScalarType::Json => JSON,
        ScalarType::Jsonb => JSONB,
    }
}

/// The type that a list parameter is declared with; 0 leaves it to the server.
pub(crate) fn of_list(scalar: ScalarType) -> u32 {
    match scalar {
        ScalarType::Inferred => 0,
        ScalarType::Bool => BOOL_ARRAY,
        ScalarType::I16 => INT2_ARRAY,
        ScalarType::I32 => INT4_ARRAY,
        ScalarType::I64 => INT8_ARRAY,
        ScalarType::U64 | ScalarType::Decimal => NUMERIC_ARRAY,
        ScalarType::F32 => FLOAT4_ARRAY,
        ScalarType::F64 => FLOAT8_ARRAY,
        ScalarType::Text => TEXT_ARRAY,
        ScalarType::Bytes => BYTEA_ARRAY,
        ScalarType::Uuid => UUID_ARRAY,
        ScalarType::DateTime => TIMESTAMPTZ_ARRAY,
        ScalarType::NaiveDateTime => TIMESTAMP_ARRAY,
        ScalarType::Date => DATE_ARRAY,
        ScalarType::Time => TIME_ARRAY,
        ScalarType::Json => JSON_ARRAY,
        ScalarType::Jsonb => JSONB_ARRAY,
    }
}

macro_rules! names {
    ($($oid:ident => $name:literal),* $(,)?) => {
        /// The server's name of a built-in type, for messages.
        pub(crate) fn name(oid: u32) -> String {
            match oid {
                $($oid => $name.into(),)*
                other if is_array(other) => format!("an array (oid {other})"),
                other => format!("of oid {other}"),
            }
        }

        /// Whether a type is built in and none that an extension or a schema made.
        pub(crate) fn is_known(oid: u32) -> bool {
            matches!(oid, $($oid)|*) || is_array(oid)
        }
    };
}

names! {
    BOOL => "boolean", BYTEA => "bytea", CHAR => "\"char\"", NAME => "name", INT8 => "bigint", INT2 => "smallint", INT4 => "integer", TEXT => "text",
    OID => "oid", XID => "xid", CID => "cid", XID8 => "xid8", JSON => "json", XML => "xml", PG_NODE_TREE => "pg_node_tree", CIDR => "cidr",
    FLOAT4 => "real", FLOAT8 => "double precision", UNKNOWN => "unknown", MACADDR8 => "macaddr8", MACADDR => "macaddr", INET => "inet",
    BPCHAR => "character", VARCHAR => "character varying", DATE => "date", TIME => "time", TIMESTAMP => "timestamp", TIMESTAMPTZ => "timestamptz",
    INTERVAL => "interval", TIMETZ => "timetz", BIT => "bit", VARBIT => "bit varying", NUMERIC => "numeric", REGPROC => "regproc",
    REGCLASS => "regclass", REGTYPE => "regtype", UUID => "uuid", TSVECTOR => "tsvector", JSONB => "jsonb", JSONPATH => "jsonpath",
    INT4RANGE => "int4range", NUMRANGE => "numrange", TSRANGE => "tsrange", TSTZRANGE => "tstzrange", DATERANGE => "daterange", INT8RANGE => "int8range",
}
