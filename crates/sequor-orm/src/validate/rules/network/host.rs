//! Host names.

use super::super::arguments::{Given, NAMED};
use super::super::{Subject, membership};
use sequor_core::{Result, Value};

/// What a host name may look like.
pub(super) struct Form {
    pub(super) require_tld: bool,
    pub(super) allow_underscores: bool,
    pub(super) allow_trailing_dot: bool,
    pub(super) allow_numeric_tld: bool,
    pub(super) allow_wildcard: bool,
    pub(super) ignore_max_length: bool,
}

impl Form {
    pub(super) fn read(args: Given<'_>) -> Form {
        let flag = |name| args.flag(NAMED, name, false);
        Form {
            require_tld: args.flag(NAMED, "require_tld", true),
            allow_underscores: flag("allow_underscores"),
            allow_trailing_dot: flag("allow_trailing_dot"),
            allow_numeric_tld: flag("allow_numeric_tld"),
            allow_wildcard: flag("allow_wildcard"),
            ignore_max_length: flag("ignore_max_length"),
        }
    }

    pub(super) fn matches(&self, host: &str) -> bool {
        let host = if self.allow_trailing_dot { host.strip_suffix('.').unwrap_or(host) } else { host };
        let host = if self.allow_wildcard { host.strip_prefix("*.").unwrap_or(host) } else { host };
        let last = host.rsplit('.').next().unwrap_or(host);
        if self.require_tld
            && (!host.contains('.') || !self.allow_numeric_tld && !is_top_level(last) || last.contains(membership::is_space))
        {
            return false;
        }
        if !self.allow_numeric_tld && !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit()) {
            return false;
        }
        host.split('.').all(|part| self.is_label(part))
    }

    fn is_label(&self, part: &str) -> bool {
        let letter = |letter: char| match letter {
            '_' => self.allow_underscores,
            '\u{FF01}'..='\u{FF5E}' => false,
            '-' | '\u{A1}'.. => true,
            other => other.is_ascii_alphanumeric(),
        };
        !part.is_empty()
            && (self.ignore_max_length || part.encode_utf16().count() <= 63)
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(letter)
    }
}

/// At least two letters, of any alphabet, or the ASCII form of an international domain.
fn is_top_level(label: &str) -> bool {
    let letter = |letter: char| match letter {
        '\u{A1}'..='\u{A8}' | '\u{AA}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}' => true,
        other => other.is_ascii_alphabetic(),
    };
    let ascii = label.get(..2).filter(|start| start.eq_ignore_ascii_case("xn")).map(|_| &label[2..]);
    label.chars().count() >= 2 && label.chars().all(letter)
        || ascii.is_some_and(|rest| rest.len() >= 2 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

pub(super) fn is_fqdn(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(Form::read(Given(args)).matches(subject.text()))
}
