//! What follows from what: terms, rules between them, and the least fixpoint of what somebody knows.
//!
//! A rule may have any number of premises. Everything public is part of the rules, so an exclusive or of two secrets that
//! was broadcast is two rules, one for each direction. With two secrets in every such sum this misses nothing: sums of
//! sums hold an even number of secrets again, so one alone follows only along a path from a known one.
//!
//! A rule also says how the bytes of its conclusion follow from those of its premise, which [`Rules::evaluate`] carries
//! out: the symbols are those of the code, not of a story about it.

use iotchain_core::aes::Aes128;
use iotchain_core::hash::sha256;
use std::collections::HashMap;

/// Something secret, or something public that secrets lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Term {
    /// mk.
    Master,
    /// LABEL_{top,node}, both as heap indices.
    Label { top: u32, node: u32 },
    /// What covers Z in a cover entry: a function of the subset's label, the nonce of the event and the class.
    Pad {
        subset: [u8; 4],
        nonce: [u8; 7],
        class: u32,
    },
    /// Z of a class.
    ClassSecret { event: u32, class: u32 },
    /// What covers the chain state in a link.
    LinkMask { event: u32, class: u32 },
    /// C of a session on the chain of an event, whether or not the session belongs to the event's interval.
    Chain { event: u32, session: u32 },
    /// K of a session on the chain of an event.
    Key { event: u32, session: u32 },
    /// kcv of an event.
    KeyCheck { event: u32 },
    /// v of the beacon chain of an event.
    Value { event: u32, session: u32 },
    /// The lock of the links to an event, in a broken design.
    Seniority { event: u32 },
    /// The chain that starts at the join, in a broken design.
    Forward { session: u32 },
    /// The chain that ends at the newest session, in a broken design.
    Backward { session: u32 },
}

pub(crate) type Block = [u8; 16];

/// How the bytes of a conclusion follow from those of the premise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// F(tag, x, y) under the premise (spec 3.4.2).
    F { tag: u8, x: u32, y: u32 },
    /// The premise as v of `session` gives v of the session before.
    BeaconBack { event: u32, session: u32 },
    /// Exclusive or with something public.
    Xor(Block),
    /// A broken design needs no bytes.
    Unsaid,
}

struct Rule {
    premises: Vec<usize>,
    conclusion: usize,
    how: How,
    /// The event whose message carries what the rule needs.
    message: Option<u32>,
}

/// All rules of a group and what was broadcast in it.
#[derive(Default)]
pub(crate) struct Rules {
    sigma: [u8; 7],
    terms: Vec<Term>,
    numbers: HashMap<Term, usize>,
    rules: Vec<Rule>,
    /// The rules that a term is a premise of.
    uses: Vec<Vec<usize>>,
}

/// What somebody can compute.
pub(crate) struct Knowledge<'a> {
    rules: &'a Rules,
    known: Vec<bool>,
}

impl Rules {
    pub(crate) fn new(sigma: [u8; 7]) -> Self {
        Self {
            sigma,
            ..Self::default()
        }
    }

    /// Everybody who knows `premises` knows `conclusion`.
    pub(crate) fn derive(&mut self, premises: &[Term], conclusion: Term, how: How) {
        self.add(premises, conclusion, how, None);
    }

    /// The message of `event` holds `a` xor `b`, which is `sum`.
    pub(crate) fn sum(&mut self, event: u32, a: Term, b: Term, sum: Block) {
        self.add(&[a], b, How::Xor(sum), Some(event));
        self.add(&[b], a, How::Xor(sum), Some(event));
    }

    fn add(&mut self, premises: &[Term], conclusion: Term, how: How, message: Option<u32>) {
        let premises: Vec<usize> = premises.iter().map(|term| self.number(*term)).collect();
        let conclusion = self.number(conclusion);
        premises
            .iter()
            .for_each(|premise| self.uses[*premise].push(self.rules.len()));
        self.rules.push(Rule {
            premises,
            conclusion,
            how,
            message,
        });
    }

    fn number(&mut self, term: Term) -> usize {
        *self.numbers.entry(term).or_insert_with(|| {
            self.terms.push(term);
            self.uses.push(Vec::new());
            self.terms.len() - 1
        })
    }

    /// What follows from `sources` and the messages of the events that were `heard`.
    pub(crate) fn closure(
        &self,
        sources: impl IntoIterator<Item = Term>,
        heard: impl Fn(u32) -> bool,
    ) -> Knowledge<'_> {
        let mut known = vec![false; self.terms.len()];
        let mut missing: Vec<usize> = self.rules.iter().map(|rule| rule.premises.len()).collect();
        // a term that no rule names leads nowhere
        let mut fresh: Vec<usize> = sources
            .into_iter()
            .filter_map(|term| self.numbers.get(&term).copied())
            .collect();
        while let Some(term) = fresh.pop() {
            if std::mem::replace(&mut known[term], true) {
                continue;
            }
            for number in &self.uses[term] {
                let rule = &self.rules[*number];
                missing[*number] -= 1;
                if missing[*number] == 0 && rule.message.is_none_or(&heard) {
                    fresh.push(rule.conclusion);
                }
            }
        }
        Knowledge { rules: self, known }
    }

    /// The bytes of everything that follows from `sources`. Panics if a term has two values or two terms share one.
    pub(crate) fn evaluate(
        &self,
        sources: impl IntoIterator<Item = (Term, Block)>,
    ) -> HashMap<Term, Block> {
        let mut values: Vec<Option<Block>> = vec![None; self.terms.len()];
        let mut fresh: Vec<(usize, Block)> = sources
            .into_iter()
            .filter_map(|(term, value)| Some((*self.numbers.get(&term)?, value)))
            .collect();
        while let Some((term, value)) = fresh.pop() {
            if let Some(before) = values[term].replace(value) {
                assert_eq!(before, value, "two values of {:?}", self.terms[term]);
                continue;
            }
            let rules = self.uses[term].iter().map(|number| &self.rules[*number]);
            fresh.extend(rules.map(|rule| (rule.conclusion, self.apply(rule.how, value))));
        }
        let pairs = self.terms.iter().zip(values);
        let values: HashMap<Term, Block> = pairs
            .filter_map(|(term, value)| Some((*term, value?)))
            .collect();
        let mut owners = HashMap::new();
        for (term, value) in &values {
            let other = owners.insert(value, term);
            assert!(
                other.is_none(),
                "{term:?} and {other:?} are the same 16 bytes"
            );
        }
        values
    }

    fn apply(&self, how: How, premise: Block) -> Block {
        match how {
            How::F { tag, x, y } => {
                let mut block = [0; 16];
                block[0] = tag;
                block[1..8].copy_from_slice(&self.sigma);
                block[8..12].copy_from_slice(&x.to_be_bytes());
                block[12..].copy_from_slice(&y.to_be_bytes());
                Aes128::new(&premise).encrypt_block(&mut block);
                block
            }
            How::BeaconBack { event, session } => {
                let numbers = [event.to_be_bytes(), session.to_be_bytes()].concat();
                let hash = sha256(&[&[0x0a], &self.sigma, &numbers, &premise]);
                hash[..16].try_into().unwrap()
            }
            How::Xor(sum) => std::array::from_fn(|i| premise[i] ^ sum[i]),
            How::Unsaid => unreachable!("a broken design has no bytes"),
        }
    }
}

impl Knowledge<'_> {
    pub(crate) fn holds(&self, term: Term) -> bool {
        let number = self.rules.numbers.get(&term);
        number.is_some_and(|number| self.known[*number])
    }
}
