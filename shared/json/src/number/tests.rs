use proptest::prelude::*;

use super::*;

fn float(value: f64) -> String {
    let mut out = Vec::new();
    assert!(write_f64(&mut out, value));
    String::from_utf8(out).unwrap()
}

/// Right-hand sides as printed by Go 1.26 `json.Marshal`.
#[test]
fn floats_look_like_gos() {
    for (value, json) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (123.0, "123"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (123456789.125, "123456789.125"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (52.520008, "52.520008"),
        (9007199254740993.0, "9007199254740992"),
    ] {
        assert_eq!(float(value), json);
    }
}

#[test]
fn what_json_cannot_say_is_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut out = Vec::new();
        assert!(!write_f64(&mut out, value));
        assert!(out.is_empty());
    }
}

proptest! {
    #[test]
    fn any_float_reads_back(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        prop_assert_eq!(float(value).parse::<f64>().unwrap().to_bits(), bits);
    }

    #[test]
    fn any_integer_is_plain_decimal(signed: i64, unsigned: u64) {
        let mut out = Vec::new();
        write_i64(&mut out, signed);
        out.push(b' ');
        write_u64(&mut out, unsigned);
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{signed} {unsigned}"));
    }
}
