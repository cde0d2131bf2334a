//! The floor: the MySQL protocol written by hand over a blocking socket, prepared statements only, with nothing above it.

use chrono::{DateTime, NaiveDate, Utc};
use std::io::{Read, Write};
use std::net::TcpStream;

pub struct Raw {
    socket: TcpStream,
    input: Vec<u8>,
    position: usize,
    out: Vec<u8>,
}

/// A prepared statement; the types of its parameters are sent once.
pub struct Statement {
    id: u32,
    sent_types: bool,
}

/// A parameter.
pub enum Parameter<'a> {
    Int(i32),
    Double(f64),
    Text(&'a str),
    Null,
}

fn length(bytes: &[u8], at: &mut usize) -> u64 {
    let tag = bytes[*at];
    *at += 1;
    let width = match tag {
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        small => return u64::from(small),
    };
    let mut word = [0u8; 8];
    word[..width].copy_from_slice(&bytes[*at..*at + width]);
    *at += width;
    u64::from_le_bytes(word)
}

/// The fields of a binary row, in order.
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    index: usize,
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8], columns: usize) -> Self {
        Fields { bytes, at: 1 + columns.div_ceil(8).max((columns + 9) / 8), index: 2 }
    }
    #[inline]
    fn null(&mut self) -> bool {
        let null = self.bytes[1 + self.index / 8] & (1 << (self.index % 8)) != 0;
        self.index += 1;
        null
    }
    #[inline]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let field = self.bytes[self.at..self.at + N].try_into().expect("a field of this width");
        self.at += N;
        field
    }
    #[inline]
    pub fn i32(&mut self) -> i32 {
        self.i32_or_null().expect("not NULL")
    }
    #[inline]
    pub fn i32_or_null(&mut self) -> Option<i32> {
        (!self.null()).then(|| i32::from_le_bytes(self.take()))
    }
    #[inline]
    pub fn i64(&mut self) -> i64 {
        self.null();
        i64::from_le_bytes(self.take())
    }
    #[inline]
    pub fn f64(&mut self) -> f64 {
        self.null();
        f64::from_le_bytes(self.take())
    }
    #[inline]
    pub fn bool(&mut self) -> bool {
        self.null();
        self.take::<1>()[0] != 0
    }
    #[inline]
    pub fn string(&mut self) -> String {
        self.string_or_null().expect("not NULL")
    }
    #[inline]
    pub fn string_or_null(&mut self) -> Option<String> {
        if self.null() {
            return None;
        }
        let length = length(self.bytes, &mut self.at) as usize;
        let text = std::str::from_utf8(&self.bytes[self.at..self.at + length]).expect("UTF-8").to_owned();
        self.at += length;
        Some(text)
    }
    pub fn instant(&mut self) -> DateTime<Utc> {
        self.null();
        let length = usize::from(self.bytes[self.at]);
        let field = &self.bytes[self.at + 1..self.at + 1 + length];
        self.at += 1 + length;
        let part = |index: usize| if index < length { u32::from(field[index]) } else { 0 };
        let micros = if length >= 11 { u32::from_le_bytes(field[7..11].try_into().expect("four bytes")) } else { 0 };
        let date = NaiveDate::from_ymd_opt(i32::from(u16::from_le_bytes([field[0], field[1]])), part(2), part(3)).expect("a date");
        date.and_hms_micro_opt(part(4), part(5), part(6), micros).expect("a time").and_utc()
    }
}

impl Raw {
    /// Logs in with `mysql_native_password`.
    pub fn connect(address: &str, user: &str, password: &str, database: &str) -> Self {
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_nodelay(true).expect("a TCP option");
        let mut raw = Raw { socket, input: Vec::new(), position: 0, out: Vec::new() };
        let (start, end) = raw.packet();
        let greeting = raw.input[start..end].to_vec();
        let version_end = 1 + greeting[1..].iter().position(|byte| *byte == 0).expect("a version");
        let mut scramble = greeting[version_end + 5..version_end + 13].to_vec();
        let rest = version_end + 13 + 1 + 2 + 1 + 2 + 2 + 1 + 10;
        scramble.extend_from_slice(&greeting[rest..rest + 12]);
        // PROTOCOL_41, SECURE_CONNECTION, CONNECT_WITH_DB, PLUGIN_AUTH, DEPRECATE_EOF, TRANSACTIONS
        let capabilities: u32 = 1 << 9 | 1 << 15 | 1 << 3 | 1 << 19 | 1 << 24 | 1 << 13;
        let mut login = Vec::new();
        login.extend(capabilities.to_le_bytes());
        login.extend((16u32 << 20).to_le_bytes());
        login.push(45);
        login.extend([0; 23]);
        login.extend(user.as_bytes());
        login.push(0);
        let answer = scrambled(password, &scramble);
        login.push(answer.len() as u8);
        login.extend(answer);
        login.extend(database.as_bytes());
        login.push(0);
        login.extend(b"mysql_native_password\0");
        raw.send(1, &login);
        let (start, end) = raw.packet();
        assert!(raw.input[start] == 0, "{}", String::from_utf8_lossy(&raw.input[start..end]));
        raw
    }

    fn send(&mut self, sequence: u8, body: &[u8]) {
        self.out.clear();
        self.out.extend(&(body.len() as u32).to_le_bytes()[..3]);
        self.out.push(sequence);
        self.out.extend(body);
        self.socket.write_all(&self.out).expect("the server reads");
    }

    /// The next packet's body, as a range of the input.
    fn packet(&mut self) -> (usize, usize) {
        loop {
            let bytes = &self.input[self.position..];
            if bytes.len() >= 4 {
                let length = usize::from(bytes[0]) | usize::from(bytes[1]) << 8 | usize::from(bytes[2]) << 16;
                if bytes.len() >= 4 + length {
                    let start = self.position + 4;
                    self.position = start + length;
                    return (start, start + length);
                }
            }
            if self.position == self.input.len() {
                self.input.clear();
                self.position = 0;
            } else if self.position > 1 << 16 {
                self.input.drain(..self.position);
                self.position = 0;
            }
            let known = self.input.len();
            self.input.resize(known + 65536, 0);
            let read = self.socket.read(&mut self.input[known..]).expect("the server answers");
            assert!(read > 0);
            self.input.truncate(known + read);
        }
    }

    /// Runs a statement without rows.
    pub fn run(&mut self, sql: &str) {
        let mut body = vec![3];
        body.extend(sql.as_bytes());
        self.send(0, &body);
        let (start, end) = self.packet();
        assert!(self.input[start] == 0, "{sql}: {}", String::from_utf8_lossy(&self.input[start..end]));
    }

    pub fn prepare(&mut self, sql: &str) -> Statement {
        let mut body = vec![0x16];
        body.extend(sql.as_bytes());
        self.send(0, &body);
        let (start, end) = self.packet();
        let head = self.input[start..end].to_vec();
        assert!(head[0] == 0, "{sql}: {}", String::from_utf8_lossy(&head));
        let columns = u16::from_le_bytes([head[5], head[6]]);
        let parameters = u16::from_le_bytes([head[7], head[8]]);
        for _ in 0..u32::from(columns) + u32::from(parameters) {
            self.packet();
        }
        Statement { id: u32::from_le_bytes(head[1..5].try_into().expect("four bytes")), sent_types: false }
    }

    /// Runs a prepared statement, gives its rows to `row`, and answers with the generated key of an insert.
    pub fn execute(&mut self, statement: &mut Statement, parameters: &[Parameter<'_>], mut row: impl FnMut(Fields<'_>)) -> u64 {
        let mut body = vec![0x17];
        body.extend(statement.id.to_le_bytes());
        body.push(0);
        body.extend(1u32.to_le_bytes());
        if !parameters.is_empty() {
            let nulls = body.len();
            body.resize(nulls + parameters.len().div_ceil(8), 0);
            for (index, parameter) in parameters.iter().enumerate() {
                if matches!(parameter, Parameter::Null) {
                    body[nulls + index / 8] |= 1 << (index % 8);
                }
            }
            body.push(u8::from(!statement.sent_types));
            if !statement.sent_types {
                for parameter in parameters {
                    body.extend(match parameter {
                        Parameter::Int(_) => [3, 0],
                        Parameter::Double(_) => [5, 0],
                        Parameter::Text(_) | Parameter::Null => [253, 0],
                    });
                }
            }
            // NULL has no type of its own here: a statement with NULLs sends its types each time.
            statement.sent_types = !parameters.iter().any(|parameter| matches!(parameter, Parameter::Null));
            for parameter in parameters {
                match parameter {
                    Parameter::Int(number) => body.extend(number.to_le_bytes()),
                    Parameter::Double(number) => body.extend(number.to_le_bytes()),
                    Parameter::Text(text) => {
                        match text.len() {
                            short @ 0..=250 => body.push(short as u8),
                            long => {
                                body.push(0xfc);
                                body.extend((long as u16).to_le_bytes());
                            }
                        }
                        body.extend(text.as_bytes());
                    }
                    Parameter::Null => {}
                }
            }
        }
        self.send(0, &body);
        let (start, end) = self.packet();
        let head = self.input[start..end].to_vec();
        assert!(head[0] != 0xff, "{}", String::from_utf8_lossy(&head));
        let mut at = 0;
        let columns = length(&head, &mut at);
        if columns == 0 {
            length(&head, &mut at);
            return length(&head, &mut at);
        }
        for _ in 0..columns {
            self.packet();
        }
        loop {
            let (start, end) = self.packet();
            if self.input[start] == 0xfe && end - start < 0xff_ffff {
                return 0;
            }
            row(Fields::new(&self.input[start..end], columns as usize));
        }
    }
}

/// `SHA1(password) XOR SHA1(scramble + SHA1(SHA1(password)))`.
fn scrambled(password: &str, scramble: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = sha1(password.as_bytes());
    let twice = sha1(&once);
    let mixed = sha1(&[scramble, &twice[..]].concat());
    once.iter().zip(mixed).map(|(a, b)| a ^ b).collect()
}

/// SHA-1 (FIPS 180-4), for the login alone.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words = [0u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        }
        for index in 16..80 {
            words[index] = (words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (index, word) in words.iter().enumerate() {
            let (f, k) = match index {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999u32),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *word = word.wrapping_add(add);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}
