//! Numbers: integers in plain decimal, floats in Go's format.

/// Appends an unsigned integer in decimal.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a signed integer in decimal.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a finite float as Go's `encoding/json` does: the shortest digits that round-trip, plain decimal from 1e-6 up
/// to below 1e21, otherwise an exponent of at least one digit (`1e+21`, `1e-7`); integral values have no fraction. JSON
/// has neither NaN nor infinities: for those it returns `false` and writes nothing.
pub fn write_f64(out: &mut Vec<u8>, value: f64) -> bool {
    if !value.is_finite() {
        return false;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let (digits, exponent) = shortest_digits(value.abs());
    let digits = digits.as_slice();
    if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        write_scientific(out, digits, exponent);
    } else {
        write_plain(out, digits, exponent);
    }
    true
}

/// The significant digits of a float, without leading or trailing zeros.
struct Digits {
    bytes: [u8; 24],
    len: usize,
}

impl Digits {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Splits the shortest round-trip text into digits and the decimal exponent of the first digit.
fn shortest_digits(value: f64) -> (Digits, i32) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value).as_bytes();
    let (mantissa, exponent) = match text.iter().position(|&byte| byte == b'e') {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])),
        None => (text, 0),
    };
    let mut digits = Digits {
        bytes: [0; 24],
        len: 0,
    };
    let point = mantissa
        .iter()
        .position(|&byte| byte == b'.')
        .unwrap_or(mantissa.len());
    let mut first = None;
    for (index, &byte) in mantissa.iter().filter(|&&byte| byte != b'.').enumerate() {
        if first.is_none() && byte != b'0' {
            first = Some(index as i32);
        }
        if first.is_some() {
            digits.bytes[digits.len] = byte;
            digits.len += 1;
        }
    }
    while digits.len > 1 && digits.bytes[digits.len - 1] == b'0' {
        digits.len -= 1;
    }
    match first {
        Some(first) => (digits, exponent + point as i32 - 1 - first),
        None => (
            Digits {
                bytes: [b'0'; 24],
                len: 1,
            },
            0,
        ),
    }
}

fn parse_exponent(text: &[u8]) -> i32 {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    sign * digits
        .iter()
        .fold(0, |value, byte| value * 10 + i32::from(byte - b'0'))
}

fn write_scientific(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    write_u64(out, u64::from(exponent.unsigned_abs()));
}

fn write_plain(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
    } else {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

#[cfg(test)]
mod tests;
