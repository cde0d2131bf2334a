//! International bank account numbers.

use super::super::Subject;
use super::super::arguments::{Given, NAMED};
use sequor_core::{Result, Value};

/// The country and its account number: `n` a digit, `a` a letter, `c` either, each before how many.
const FORMS: &str = "AD n8c12 AE n19 AL n8c16 AT n16 AZ c4n20 BA n16 BE n12 BG a4n6c8 BH a4c14 BR n23a1c1 BY c4n20 CH n5c12 CR n18 CY n8c16 CZ n20 \
    DE n18 DK n14 DO a4n20 DZ n22 EE n16 EG n25 ES n20 FI n14 FO n14 FR n10c11n2 GB a4n14 GE c2n16 GI a4c15 GL n14 GR n7c16 GT c4c20 HR n17 HU n24 \
    IE a4n14 IL n19 IQ a4n15 IR n22 IS n22 IT a1n10c12 JO a4n22 KW a4c22 KZ n3c13 LB n4c20 LC a4c24 LI n5c12 LT n16 LU n3c13 LV a4c13 MA n24 \
    MC n10c11n2 MD c20 ME n18 MK n3c10n2 MR n23 MT a4n5c18 MU a4n19a3 MZ n21 NL a4n10 NO n11 PK c4n16 PL n24 PS a4c21 PT n21 QA a4c21 RO a4c16 RS n18 \
    SA n2c18 SC a4n20a3 SE n20 SI n15 SK n20 SM a1n10c12 SV c4n20 TL n19 TN n20 TR n5c17 UA n6c19 VA n18 VG a4n16 XK n16";

fn form_of(country: &str) -> Option<&'static str> {
    let mut words = FORMS.split_whitespace();
    while let (Some(name), Some(form)) = (words.next(), words.next()) {
        if name == country {
            return Some(form);
        }
    }
    None
}

pub(super) fn is_iban(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let text: String = subject
        .text()
        .chars()
        .filter(|letter| *letter != '-' && !letter.is_whitespace())
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    if !text.is_ascii() || text.len() < 5 {
        return Ok(false);
    }
    let (country, rest) = text.split_at(2);
    let (check, account) = rest.split_at(2);
    let listed = |name| args.list(NAMED, name).map(|list| list.iter().any(|known| known == country));
    let allowed = listed("whitelist") != Some(false) && listed("blacklist") != Some(true);
    Ok(allowed
        && check.bytes().all(|digit| digit.is_ascii_digit())
        && form_of(country).is_some_and(|form| has_form(account, form))
        && remainder(&format!("{account}{country}{check}")) == 1)
}

fn has_form(account: &str, form: &str) -> bool {
    let mut rest = account.as_bytes();
    let mut form = form.chars().peekable();
    while let Some(kind) = form.next() {
        let mut count = 0;
        while let Some(digit) = form.next_if(char::is_ascii_digit).and_then(|digit| digit.to_digit(10)) {
            count = count * 10 + digit as usize;
        }
        let Some((head, tail)) = rest.split_at_checked(count) else { return false };
        let fits = |byte: &u8| match kind {
            'n' => byte.is_ascii_digit(),
            'a' => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
        };
        if !head.iter().all(fits) {
            return false;
        }
        rest = tail;
    }
    rest.is_empty()
}

/// The remainder by 97 of a number in which A is 10 and Z is 35.
fn remainder(text: &str) -> u32 {
    text.chars().filter_map(|letter| letter.to_digit(36)).fold(0, |rest, digit| (rest * if digit < 10 { 10 } else { 100 } + digit) % 97)
}
