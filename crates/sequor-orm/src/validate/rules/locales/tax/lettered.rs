//! Tax numbers that hold letters.

use super::Number;
use super::born::exists_lately;

/// What a digit or letter at an odd place counts in Cyprus and Italy.
const ODD: [u32; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

fn letter(number: u32) -> char {
    char::from_u32(number + 65).unwrap_or_default()
}

/// The value of a digit, or the place of a letter in the alphabet.
fn value(letter: char) -> u32 {
    letter.to_digit(10).or_else(|| letter.to_digit(36).map(|value| value - 10)).unwrap_or_default()
}

/// Every second place counts by the table, the others as they are.
fn odd_and_even(text: &str) -> u32 {
    text.chars().enumerate().map(|(place, letter)| if place % 2 == 0 { ODD[value(letter) as usize % 26] } else { value(letter) }).sum()
}

pub(super) fn cypriot(number: &Number<'_>) -> bool {
    number.text.ends_with(letter(odd_and_even(&number.text[..8]) % 26))
}

pub(super) fn irish(number: &Number<'_>) -> bool {
    let letters: Vec<char> = number.text.chars().skip(7).map(|letter| letter.to_ascii_uppercase()).collect();
    let second = letters.get(1).filter(|letter| **letter != 'W').map_or(0, |letter| value(*letter) + 1);
    let check = (number.sum(&[8, 7, 6, 5, 4, 3, 2]) + second * 9) % 23;
    letters.first() == Some(&if check == 0 { 'W' } else { letter(check - 1) })
}

/// The letter is the remainder by 23; of foreigners Y and Z count 1 and 2, other letters nothing.
pub(super) fn spanish(number: &Number<'_>) -> bool {
    let text = number.text.to_ascii_uppercase();
    let foreign = if text.len() < 2 {
        0
    } else {
        match &text[..1] {
            "Y" => 10_000_000,
            "Z" => 20_000_000,
            _ => 0,
        }
    };
    let rest = usize::try_from((foreign + number.part(0, 8)) % 23).unwrap_or_default();
    text.ends_with(char::from(b"TRWAGMYFPDXBNJZSQVHLCKE"[rest]))
}

/// Surname, name, year, month and day of birth, place, and a letter that checks them.
pub(super) fn italian(number: &Number<'_>) -> bool {
    // Digits are written as letters where two people would have the same number.
    let plain: String = number
        .text
        .chars()
        .enumerate()
        .map(|(place, letter)| match "LMNPQRSTUV".find(letter) {
            Some(digit) if matches!(place, 6 | 7 | 9 | 10 | 12..=14) => {
                char::from_digit(u32::try_from(digit).unwrap_or_default(), 10).unwrap_or(letter)
            }
            _ => letter,
        })
        .collect();
    let part = |from: usize| plain[from..from + 2].parse::<u64>().unwrap_or_default();
    let month = "ABCDEHLMPRST".find(&plain[8..9]).map_or(0, |place| place as u64 + 1);
    let day = if part(9) > 40 { part(9) - 40 } else { part(9) };
    is_name(&plain[..3])
        && is_name(&plain[3..6])
        && exists_lately(part(6), month, day)
        && plain.ends_with(letter(odd_and_even(&plain[..15]) % 26))
}

/// Three letters of a name: consonants, then vowels, then X to fill up.
fn is_name(letters: &str) -> bool {
    let after = letters.trim_start_matches(|letter| !"AEIOU".contains(letter));
    after.trim_start_matches(|letter| "AEIOU".contains(letter)).chars().all(|letter| letter == 'X')
}

/// The number of an identity card, or nine digits that are not checked.
pub(super) fn maltese(number: &Number<'_>) -> bool {
    if number.text.len() == 9 {
        return true;
    }
    let padded = format!("{:0>8}", number.text);
    let (card, year) = (padded[..5].parse::<u32>().unwrap_or_default(), padded[5..7].parse::<u32>().unwrap_or_default());
    match number.text.chars().nth(7) {
        Some('A' | 'P') => year % 10 != 0,
        _ => card <= 32_000 && card != year,
    }
}

/// A person's CPF of eleven digits, or a CNPJ of twelve letters or digits and two digits.
pub(super) fn brazilian(number: &Number<'_>) -> bool {
    let values: Vec<u32> =
        number.text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| u32::from(byte.to_ascii_uppercase() - b'0')).collect();
    if values.iter().all(|value| *value == values[0]) {
        return false;
    }
    let most = if values.len() == 11 { u32::MAX } else { 9 };
    [values.len() - 2, values.len() - 1].into_iter().all(|place| {
        let weights = (2..=most).cycle();
        let sum: u32 = values[..place].iter().rev().zip(weights).map(|(value, weight)| value * weight).sum();
        (11 - sum % 11) % 11 % 10 == values[place]
    })
}
