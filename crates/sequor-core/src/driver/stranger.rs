//! Who speaks where another server was expected: a URL with the wrong port, told by the first bytes of the answer. No I/O here; drivers bring the bytes.

/// What makes most servers that wait for a client say who they are: PostgreSQL answers the first eight bytes, its question for encryption, and a web server the line.
/// MySQL and SSH speak first.
pub const PROBE: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2fGET / HTTP/1.0\r\n\r\n";

/// Whose answer begins so, and what to do about it; `None` where nobody is recognized.
pub fn recognize(answer: &[u8]) -> Option<&'static str> {
    match answer {
        [_, _, _, 0, 10 | 0xff, ..] => Some("a MySQL or MariaDB server answers there: begin the URL with mysql://, or check its port"),
        [b'S' | b'N'] | [b'S' | b'N', b'E', ..] => {
            Some("a PostgreSQL server answers there: begin the URL with postgres://, or check its port")
        }
        [b'E', 0, ..] => Some("a PostgreSQL server answers there: begin the URL with postgres://, or check its port"),
        _ if answer.starts_with(b"HTTP/") || answer.starts_with(b"<") => Some("a web server answers there: check host and port in the URL"),
        _ if answer.starts_with(b"SSH-") => Some("an SSH server answers there: check host and port in the URL"),
        _ if answer.starts_with(b"-ERR") || answer.starts_with(b"-NOAUTH") => {
            Some("a Redis server answers there: check host and port in the URL")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::recognize;

    #[test]
    fn servers_are_known_by_their_first_bytes() {
        let known = |answer: &[u8]| recognize(answer).map_or("", |text| text.split(" answers").next().unwrap_or_default());
        assert_eq!(known(b"\x5a\0\0\0\x0a5.5.5-10.11.19-MariaDB\0"), "a MySQL or MariaDB server");
        assert_eq!(known(b"N"), "a PostgreSQL server");
        assert_eq!(known(b"NE\0\0\0\x40SFATAL\0"), "a PostgreSQL server");
        assert_eq!(known(b"E\0\0\0\x40SFATAL\0"), "a PostgreSQL server");
        assert_eq!(known(b"HTTP/1.1 400 Bad Request\r\n"), "a web server");
        assert_eq!(known(b"SSH-2.0-OpenSSH_9.2\r\n"), "an SSH server");
        assert_eq!(known(b"Nothing like it"), "");
        assert_eq!(known(b""), "");
    }
}
