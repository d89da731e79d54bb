//! Finds numbers in a value that JSON cannot express: serde_json writes null for infinity, and a reader then finds null
//! where it expects a number.

use serde::{Serialize, Serializer, ser};
use std::fmt::{self, Display};

/// The location of a float that is infinite or NaN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFinite {
    /// Path to it, innermost field last: `models[3].endpoints[0].effective_input`.
    pub field: String,
    /// The float as text.
    pub value: String,
}

/// Checks every float of a value, without writing anything.
///
/// # Errors
/// [`NotFinite`] with the first float that is infinite or NaN.
pub fn check(value: &impl Serialize) -> Result<(), NotFinite> {
    value.serialize(Look).map_err(|found| NotFinite {
        field: found.way.iter().rev().map(String::as_str).collect::<String>().trim_start_matches('.').into(),
        value: found.value,
    })
}

/// The float that was found; each level adds its step to the path on the way out.
#[derive(Debug)]
struct Found {
    way: Vec<String>,
    value: String,
}

impl Found {
    fn below(mut self, step: String) -> Self {
        self.way.push(step);
        self
    }
}

impl Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: Display>(message: T) -> Self {
        Self { way: Vec::new(), value: message.to_string() }
    }
}

type Seen = Result<(), Found>;

/// A serializer that writes nothing.
#[derive(Clone, Copy)]
struct Look;

/// Counts the elements of a sequence.
struct Elements(usize);

/// The entries of a map or the fields of a struct; a key is converted to text only if its value is not finite.
struct Entries {
    fields: bool,
}

macro_rules! passed_over {
    ($($name:ident($($type:ty),*);)*) => {
        $(fn $name(self, $(_: $type),*) -> Seen { Ok(()) })*
    };
}

macro_rules! entered {
    ($($name:ident($($type:ty),*) -> $inside:ty = $value:expr;)*) => {
        $(fn $name(self, $(_: $type),*) -> Result<$inside, Found> { Ok($value) })*
    };
}

impl Serializer for Look {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    passed_over! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_i128(i128); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64);
        serialize_u128(u128); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]);
        serialize_none(); serialize_unit(); serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }
    entered! {
        serialize_seq(Option<usize>) -> Elements = Elements(0);
        serialize_tuple(usize) -> Elements = Elements(0);
        serialize_tuple_struct(&'static str, usize) -> Elements = Elements(0);
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Elements = Elements(0);
        serialize_struct(&'static str, usize) -> Entries = Entries { fields: true };
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Entries = Entries { fields: true };
    }
    fn serialize_f32(self, value: f32) -> Seen {
        self.serialize_f64(f64::from(value))
    }
    fn serialize_f64(self, value: f64) -> Seen {
        if value.is_finite() { Ok(()) } else { Err(ser::Error::custom(value)) }
    }
    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Seen {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Seen {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Seen {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Seen {
        value.serialize(self).map_err(|found| found.below(format!(".{variant}")))
    }
    // A collection knows its length. Derived code passes none for a struct that contains the fields of another one.
    fn serialize_map(self, length: Option<usize>) -> Result<Entries, Found> {
        Ok(Entries { fields: length.is_none() })
    }
}

impl Elements {
    fn look(&mut self, value: &(impl Serialize + ?Sized)) -> Seen {
        let position = self.0;
        self.0 += 1;
        value.serialize(Look).map_err(|found| found.below(format!("[{position}]")))
    }
}

macro_rules! elements {
    ($($trait:ident: $name:ident,)*) => {
        $(impl ser::$trait for Elements {
            type Ok = ();
            type Error = Found;
            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Seen {
                self.look(value)
            }
            fn end(self) -> Seen {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! fields {
    ($($trait:ident,)*) => {
        $(impl ser::$trait for Entries {
            type Ok = ();
            type Error = Found;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, field: &'static str, value: &T) -> Seen {
                value.serialize(Look).map_err(|found| found.below(format!(".{field}")))
            }
            fn end(self) -> Seen {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Entries {
    type Ok = ();
    type Error = Found;
    // Keys are strings in JSON. Derived code and collections pass whole entries; the separate methods are for other
    // code.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Seen {
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Seen {
        value.serialize(Look).map_err(|found| found.below("[?]".to_owned()))
    }
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(&mut self, key: &K, value: &V) -> Seen {
        value.serialize(Look).map_err(|found| {
            let key = serde_json::to_string(key).unwrap_or_else(|_| "?".to_owned());
            found.below(if self.fields { format!(".{}", key.trim_matches('"')) } else { format!("[{key}]") })
        })
    }
    fn end(self) -> Seen {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Serialize, Default)]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
        by_key: BTreeMap<String, (i64, f64)>,
        kind: Kind,
    }

    #[derive(Serialize, Default)]
    struct Inner {
        price: Option<f64>,
        #[serde(flatten)]
        embedded: Embedded,
    }

    #[derive(Serialize, Default)]
    struct Embedded {
        single: f32,
    }

    #[derive(Serialize, Default)]
    enum Kind {
        #[default]
        Plain,
        One(f64),
        Named {
            rate: f64,
        },
    }

    fn found(outer: &Outer) -> Option<(String, String)> {
        check(outer).err().map(|found| (found.field, found.value))
    }

    fn at(field: &str, value: &str) -> Option<(String, String)> {
        Some((field.to_owned(), value.to_owned()))
    }

    #[test]
    fn the_first_float_that_json_cannot_express_is_named_with_the_way_to_it() {
        let inner = |price| Inner { price, embedded: Embedded { single: 1.0 } };
        let fine = || vec![inner(Some(f64::MAX)), inner(None)];
        let outer = Outer { name: "inf".into(), inner: fine(), ..Outer::default() };
        assert_eq!(found(&outer), None);
        let outer = Outer { inner: vec![inner(None), inner(Some(f64::INFINITY))], ..Outer::default() };
        assert_eq!(found(&outer), at("inner[1].price", "inf"));
        let embedded = Embedded { single: f32::NAN };
        let outer = Outer { inner: vec![Inner { price: None, embedded }], ..Outer::default() };
        assert_eq!(found(&outer), at("inner[0].single", "NaN"));
        let by_key = BTreeMap::from([("a b".to_owned(), (1, f64::NEG_INFINITY))]);
        assert_eq!(found(&Outer { by_key, ..Outer::default() }), at("by_key[\"a b\"][1]", "-inf"));
        let kind = Kind::One(f64::NAN);
        assert_eq!(found(&Outer { kind, ..Outer::default() }), at("kind.One", "NaN"));
        let kind = Kind::Named { rate: f64::INFINITY };
        assert_eq!(found(&Outer { kind, ..Outer::default() }), at("kind.rate", "inf"));
    }
}
