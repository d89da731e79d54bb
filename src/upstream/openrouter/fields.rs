//! The fields that the wire types read, derived from the wire types themselves: a probe replaces the body and
//! records which fields each struct requests. For the names of facts, and for tests that change every field once.

use super::{DocumentKind, wire};
use serde::de::value::{BorrowedStrDeserializer, Error, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::cell::RefCell;
use std::collections::VecDeque;

/// Step into the entries of a list.
const ENTRY: &str = "[]";
/// Step into the values of a map with any keys.
const VALUE: &str = "*";

/// Acts as a value: walks to `target` and records the possible next steps there.
#[derive(Clone, Copy)]
struct Probe<'a> {
    target: &'a [&'static str],
    found: &'a RefCell<Vec<&'static str>>,
}

impl<'a> Probe<'a> {
    /// Records the steps at the target, or takes the next step towards it.
    fn next(self, steps: &[&'static str]) -> Option<(&'static str, Self)> {
        match self.target.split_first() {
            None => {
                *self.found.borrow_mut() = steps.to_vec();
                None
            }
            Some((step, rest)) => Some((*step, Self { target: rest, ..self })),
        }
    }
}

/// A list or map of at most one entry.
struct One<'a>(Option<(&'static str, Probe<'a>)>);

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let key = self.0.as_ref().map(|(key, _)| StrDeserializer::new(key));
        key.map(|key| seed.deserialize(key)).transpose()
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.0.take() {
            Some((_, probe)) => seed.deserialize(probe),
            None => Err(serde::de::Error::custom("a value without a key")),
        }
    }
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|(_, probe)| seed.deserialize(probe)).transpose()
    }
}

/// The content of a raw value, in the form in which `serde_json` passes it.
struct Raw(bool);

/// The name with which `serde_json` requests a raw value.
const RAW: &str = "$serde_json::private::RawValue";

impl<'de> MapAccess<'de> for Raw {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if std::mem::replace(&mut self.0, true) {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(RAW)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(BorrowedStrDeserializer::new("null"))
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == RAW { visitor.visit_map(Raw(false)) } else { visitor.visit_newtype_struct(self) }
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(One(self.next(&[ENTRY])))
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(One(self.next(&[VALUE])))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(One(self.next(fields)))
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

/// All positions inside a type, as steps from its top level.
fn places<'de, T: Deserialize<'de>>() -> Vec<Vec<&'static str>> {
    let mut waiting = VecDeque::from([Vec::new()]);
    let mut all = Vec::new();
    while let Some(target) = waiting.pop_front() {
        let found = RefCell::new(Vec::new());
        // Most walks end in an error because only one field is present; what the probe found on the way counts.
        let _: Result<T, Error> = T::deserialize(Probe { target: &target, found: &found });
        for step in found.into_inner() {
            waiting.push_back([target.as_slice(), &[step]].concat());
        }
        all.push(target);
    }
    all
}

/// The path of a position below `prefix`.
fn path(prefix: &str, steps: &[&str]) -> String {
    let mut path = prefix.to_owned();
    for step in steps {
        if *step != ENTRY && !path.is_empty() {
            path.push('.');
        }
        path.push_str(step);
    }
    path
}

/// Every field that is read, by kind of document: its JSON path with `[]` for the entries of a list and `*` for the
/// values of a map with arbitrary keys. Fields with two spellings are listed with both.
pub fn wire_fields() -> Vec<(DocumentKind, String)> {
    use DocumentKind::{
        AllProviders, EffectivePricing, HitRateComparison, ModelActivity, Models, Providers, PublicEndpoints,
        StatsEndpoint,
    };
    let types = [
        (Models, "data[]", places::<wire::Model>()),
        (Providers, "data[]", places::<wire::Provider>()),
        (AllProviders, "data[]", places::<wire::Provider>()),
        (PublicEndpoints, "data", places::<wire::PublicModel>()),
        (PublicEndpoints, "data.endpoints[]", places::<wire::PublicEndpoint>()),
        (StatsEndpoint, "data[]", places::<wire::StatsEndpoint>()),
        (EffectivePricing, "data", places::<wire::EffectivePricing>()),
        (EffectivePricing, "data.providerSummaries[]", places::<wire::Summary>()),
        (EffectivePricing, "data.inputChartData[]", places::<wire::ChartPoint>()),
        (EffectivePricing, "data.outputChartData[]", places::<wire::ChartPoint>()),
        (ModelActivity, "data", places::<wire::ActivityBody>()),
        (ModelActivity, "data.analytics[]", places::<wire::Activity>()),
        (HitRateComparison, "data[]", places::<wire::ChartPoint>()),
    ];
    let mut fields: Vec<(DocumentKind, String)> = Vec::new();
    for (kind, prefix, places) in types {
        fields.push((kind, "data".to_owned()));
        fields.extend(places.iter().map(|steps| (kind, path(prefix, steps))));
    }
    // The entries of a list are not a field: a change of the list covers them.
    fields.retain(|(_, path)| !path.ends_with(ENTRY));
    fields.sort();
    fields.dedup();
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_as_they_stand_on_the_wire() {
        let fields = wire_fields();
        let has = |kind, path: &str| fields.contains(&(kind, path.to_owned()));
        assert!(has(DocumentKind::EffectivePricing, "data.providerSummaries[].cacheHitRate"), "camelCase");
        assert!(has(DocumentKind::EffectivePricing, "data.inputChartData[].y.*"), "maps");
        assert!(has(DocumentKind::StatsEndpoint, "data[].pricing.overrides[].min_prompt_tokens"), "lists");
        assert!(has(DocumentKind::StatsEndpoint, "data[].data_policy.privacyPolicyURL"), "renamed");
        assert!(has(DocumentKind::AllProviders, "data[].statusPageUrl"), "aliases");
        assert!(has(DocumentKind::PublicEndpoints, "data.endpoints"), "lists that are read row by row");
        assert!(fields.len() > 100, "{}", fields.len());
        assert!(fields.iter().all(|(_, path)| path.starts_with("data")), "{fields:?}");
    }
}
