//! How deep code goes into the stack at worst, read off the disassembly of an image for a Cortex-M4.
//!
//! ```text
//! lines of objdump --> depth at each instruction of a function --> its calls, each at a depth --> deepest way through all
//! ```
//!
//! Ways that no input takes count as well: the result is a bound, never below what painting finds. What cannot be
//! followed is an error: recursion without a known end, a stack pointer that comes from elsewhere, a function that is called by a pointer
//! and not named here.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::disassembly::{Flow, Function, Line, addresses_taken, functions};
use crate::image::ON_PANIC;
use crate::run::output;
use crate::target::Target;

/// Calls by a pointer within the library: what stands in the name of the caller, and in the names of those who may be
/// called. Any other call by a pointer is one of the program's own functions.
const BY_POINTER: &[(&str, &str)] = &[
    (
        "iotchain_oscar::failures::",
        "Receiver<*::check_failures::{closure",
    ),
    (
        "iotchain_oscar::failures::",
        "Receiver<*::count_failure::{closure",
    ),
    ("::open_signed", "Verifier>::verify"),
    (SIGNER, "iotchain_ffi::sign::sign_in_memory"),
];
/// Calls what the program handed in, which may be the signer of a key in memory.
const SIGNER: &str = "iotchain_ffi::sign::Callback>::sign_digest";
/// Recursions that have an end: what stands in the name, and how often the function calls itself within itself at most.
/// The reader of CBOR enters six levels (`MAX_DEPTH`), and refuses the seventh.
const RECURSIVE: &[(&str, u64)] = &[("iotchain_core::cbor::check::walk", 6)];
/// A stack deeper than this grows in a loop.
const ENDLESS: i64 = 1 << 20;
/// How deep a function goes, in bytes below the stack pointer of its caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// At its deepest, without what lies outside the image.
    pub(crate) stack: u64,
    /// Where it calls the deepest of each function outside the image.
    pub(crate) outside: BTreeMap<String, u64>,
    /// Where it calls the deepest of functions that the program hands in.
    pub(crate) callback: Option<u64>,
}

impl Depth {
    /// Takes in what a call `at` a depth leads to.
    fn add(&mut self, at: u64, called: &Self) {
        self.stack = self.stack.max(at + called.stack);
        for (name, depth) in &called.outside {
            let deepest = self.outside.entry(name.clone()).or_default();
            *deepest = (*deepest).max(at + depth);
        }
        self.callback = self.callback.max(called.callback.map(|depth| at + depth));
    }
}

/// The functions of an image, and what is known of their depths.
pub(crate) struct Stacks {
    functions: BTreeMap<u64, Function>,
    /// Addresses by the names that the linker knows, of functions and of what is outside.
    addresses: HashMap<String, u64>,
    outside: HashMap<u64, String>,
    walks: HashMap<u64, Result<Walk, String>>,
    known: HashMap<u64, Depth>,
    /// The call of each function that leads deepest: its depth, and who is called.
    deepest: HashMap<u64, (u64, u64)>,
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callee {
    At(u64),
    Pointer,
}

/// What a function does to the stack by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Walk {
    deepest: u64,
    /// Calls, and the depths that they are made at.
    calls: Vec<(u64, Callee)>,
    returns: bool,
}

impl Stacks {
    /// Reads an image. `outside` are the symbols that stand for functions of the program, each at an address of its own.
    pub(crate) fn of(target: &Target, image: &Path, outside: &[&str]) -> Result<Self, String> {
        let symbols = output(target.tool("nm", "--format=posix").arg(image))?;
        let addresses: HashMap<String, u64> = symbols
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                let (name, _, address) = (words.next()?, words.next()?, words.next()?);
                Some((name.to_owned(), u64::from_str_radix(address, 16).ok()?))
            })
            .collect();
        let code = output(
            target
                .tool("objdump", "-d -C --no-show-raw-insn")
                .arg(image),
        )?;
        let outside = outside.iter().filter_map(|name| {
            let address = addresses.get(*name)?;
            Some((*address, (*name).to_owned()))
        });
        let outside = outside.collect();
        Ok(Self::new(functions(&code)?, addresses, outside))
    }

    fn new(
        functions: BTreeMap<u64, Function>,
        addresses: HashMap<String, u64>,
        outside: HashMap<u64, String>,
    ) -> Self {
        Self {
            walks: walks(&functions, addresses.get(ON_PANIC).copied()),
            functions,
            addresses,
            outside,
            known: HashMap::new(),
            deepest: HashMap::new(),
        }
    }

    /// The depth of the function that the linker calls `name`.
    pub(crate) fn depth(&mut self, name: &str) -> Result<Depth, String> {
        self.visit(self.address(name)?, &mut Vec::new())
    }

    /// The functions on the deepest way through `name`, and how deep each begins.
    pub(crate) fn deepest_way(&mut self, name: &str) -> Result<Vec<(u64, String)>, String> {
        self.depth(name)?;
        let (mut depth, mut address) = (0, self.address(name)?);
        let mut way = Vec::new();
        while let Some(function) = self.functions.get(&address) {
            way.push((depth, function.name.clone()));
            let Some((at, callee)) = self.deepest.get(&address) else {
                break;
            };
            (depth, address) = (depth + at, *callee);
        }
        Ok(way)
    }

    fn address(&self, name: &str) -> Result<u64, String> {
        let address = self.addresses.get(name).copied();
        address.ok_or(format!("{name} is not in the image"))
    }

    /// Functions whose addresses somebody takes though nobody is named who calls them by a pointer.
    pub(crate) fn unnamed(&self, target: &Target, image: &Path) -> Result<Vec<String>, String> {
        let names: HashSet<&str> = self.functions.values().map(|f| f.name.as_str()).collect();
        let printed = output(target.tool("objdump", "-r -C").arg(image))?;
        let taken = addresses_taken(&printed).filter(|name| names.contains(name));
        let unnamed = taken.filter(|name| !BY_POINTER.iter().any(|(_, callee)| has(name, callee)));
        Ok(unnamed.map(str::to_owned).collect())
    }

    /// The depth of the function at an address, reached by way of `path`.
    fn visit(&mut self, address: u64, path: &mut Vec<u64>) -> Result<Depth, String> {
        if let Some(known) = self.known.get(&address) {
            return Ok(known.clone());
        }
        if let Some(name) = self.outside.get(&address) {
            return Ok(Depth {
                outside: BTreeMap::from([(name.clone(), 0)]),
                ..Depth::default()
            });
        }
        let name = |address: &u64| self.functions.get(address).map_or("?", |f| f.name.as_str());
        if path.contains(&address) {
            let names: Vec<&str> = path.iter().chain([&address]).map(name).collect();
            return Err(format!("recursion: {}", names.join(" -> ")));
        }
        let Some(walk) = self.walks.get(&address).cloned() else {
            let caller = path.last().map_or("?", name);
            return Err(format!("{caller} calls {address:#x}, which is no function"));
        };
        let walk = walk?;
        let caller = name(&address).to_owned();
        path.push(address);
        let mut depth = Depth {
            stack: walk.deepest,
            ..Depth::default()
        };
        let mut within = 0;
        for (at, callee) in &walk.calls {
            if *callee == Callee::At(address)
                && let Some((_, times)) = RECURSIVE.iter().find(|(name, _)| has(&caller, name))
            {
                within = within.max(at * times);
                continue;
            }
            let (callees, is_callback) = match callee {
                Callee::At(callee) => (vec![*callee], false),
                Callee::Pointer => self.behind_pointer(&caller),
            };
            for callee in callees {
                let called = self.visit(callee, path)?;
                if at + called.stack > depth.stack {
                    self.deepest.insert(address, (*at, callee));
                }
                depth.add(*at, &called);
            }
            if is_callback {
                depth.callback = depth.callback.max(Some(*at));
            }
        }
        path.pop();
        depth.add(within, &depth.clone());
        self.known.insert(address, depth.clone());
        Ok(depth)
    }

    /// The functions of the library that `caller` may call by a pointer, and whether it may call the program's, too.
    fn behind_pointer(&self, caller: &str) -> (Vec<u64>, bool) {
        let mut named = BY_POINTER
            .iter()
            .filter(|(name, _)| has(caller, name))
            .peekable();
        let is_callback = named.peek().is_none() || has(caller, SIGNER);
        let callees = named.flat_map(|(_, callee)| {
            let functions = self.functions.iter();
            let called = functions.filter(move |(_, function)| has(&function.name, callee));
            called.map(|(address, _)| *address)
        });
        (callees.collect(), is_callback)
    }
}

impl Function {
    /// Follows every way through the function. `endless` are the functions that do not return.
    fn walk(&self, start: u64, endless: &HashSet<u64>) -> Result<Walk, String> {
        let fail = |at: u64, what: &str| Err(format!("{} at {at:#x}: {what}", self.name));
        let mut walk = Walk::default();
        let mut depths: HashMap<u64, i64> = HashMap::new();
        let mut open = vec![(start, 0)];
        while let Some((at, before)) = open.pop() {
            if depths.get(&at).is_some_and(|known| *known >= before) {
                continue;
            }
            depths.insert(at, before);
            let (growth, flow) = match self.lines.get(&at) {
                Some(Line::Instruction { growth, flow }) => (growth, flow),
                Some(Line::Unknown(what)) => return fail(at, what),
                _ => return fail(at, "no instruction"),
            };
            let after = before + growth;
            let Ok(depth) = u64::try_from(after) else {
                return fail(at, "takes more from the stack than there is");
            };
            if after > ENDLESS {
                return fail(at, "the stack grows in a loop");
            }
            walk.deepest = walk.deepest.max(depth);
            let next = self.next(at);
            let mut targets = Vec::new();
            match flow {
                Flow::Next => targets.push(next),
                Flow::Jump(to) => targets.push(*to),
                Flow::Branch(to) => targets.extend([*to, next]),
                Flow::Switch(width) => targets.extend(self.table(at, *width)),
                Flow::Call(to) => {
                    walk.calls.push((depth, Callee::At(*to)));
                    if !endless.contains(to) {
                        targets.push(next);
                    }
                }
                Flow::CallPointer => {
                    walk.calls.push((depth, Callee::Pointer));
                    targets.push(next);
                }
                Flow::JumpPointer => {
                    walk.calls.push((depth, Callee::Pointer));
                    walk.returns = true;
                }
                Flow::Return => walk.returns = true,
                Flow::MayReturn => {
                    walk.returns = true;
                    targets.push(next);
                }
                Flow::Trap => {}
            }
            for to in targets {
                if (start..self.end).contains(&to) {
                    // behind a function that does not return, constants may lie
                    if !(matches!(flow, Flow::Call(_)) && self.is_data(to)) {
                        open.push((to, after));
                    }
                } else if !matches!(flow, Flow::Call(_)) {
                    walk.calls.push((depth, Callee::At(to)));
                    walk.returns |= !endless.contains(&to);
                }
            }
        }
        Ok(walk)
    }
}

/// What each function does by itself. Behind the call of one that never returns, `on_panic` for a start, another block of
/// the caller may lie; so those are found first.
fn walks(
    functions: &BTreeMap<u64, Function>,
    on_panic: Option<u64>,
) -> HashMap<u64, Result<Walk, String>> {
    let mut endless: HashSet<u64> = on_panic.into_iter().collect();
    loop {
        let walks: HashMap<u64, Result<Walk, String>> = functions
            .iter()
            .map(|(address, function)| (*address, function.walk(*address, &endless)))
            .collect();
        let is_endless =
            |walk: &Result<Walk, String>| walk.as_ref().is_ok_and(|walk| !walk.returns);
        let found = walks.iter().filter(|(_, walk)| is_endless(walk));
        let known = endless.len();
        endless.extend(found.map(|(address, _)| *address));
        if endless.len() == known {
            return walks;
        }
    }
}

/// Whether a name holds all parts of `pattern`, which stars separate, in their order.
fn has(name: &str, pattern: &str) -> bool {
    let mut rest = Some(name);
    for part in pattern.split('*') {
        rest = rest
            .and_then(|rest| rest.split_once(part))
            .map(|(_, rest)| rest);
    }
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The depth of the function at 0x10 of a program.
    fn depth(program: &str) -> Result<Depth, String> {
        let addresses = HashMap::from([(String::from("main"), 0x10)]);
        let outside = HashMap::from([(0, String::from("hook"))]);
        Stacks::new(functions(program)?, addresses, outside).depth("main")
    }

    const LEAF: &str = "00000040 <leaf>:\n  40:\tpush\t{r4, lr}\n  42:\tpop\t{r4, pc}\n";

    #[test]
    fn calls_add_up_where_they_are_made() {
        // a call at 24 bytes, a hook at 4, and one for another at the end with the frame gone
        let main = "00000010 <main>:\n  10:\tpush\t{lr}\n  12:\tbl\t0 <hook>\n  14:\tsub\tsp, #20\n  16:\tbl\t40 <leaf>\n  \
                    18:\tadd\tsp, #20\n  1a:\tldr.w\tlr, [sp], #4\n  1c:\tb.w\t40 <leaf>\n";
        let found = depth(&format!("{main}{LEAF}")).unwrap();
        assert_eq!((found.stack, found.callback), (32, None));
        assert_eq!(found.outside, BTreeMap::from([(String::from("hook"), 4)]));
    }

    #[test]
    fn a_table_is_no_function() {
        let vectors = "00000000 <main-0x10>:\n   0:\t.word\t0x20020000\n   4:\t.word\t0x00000011\n";
        let main = "00000010 <main>:\n  10:\tpush\t{r4, lr}\n  12:\tpop\t{r4, pc}\n";
        assert_eq!(
            depth(&format!("{vectors}{main}")).map(|depth| depth.stack),
            Ok(8)
        );
    }

    #[test]
    fn switches_and_pointers_are_followed() {
        let main = "00000010 <main>:\n  10:\ttbb\t[pc, r0]\n  14:\t.short\t0x0201\n  16:\tbx\tlr\n  18:\tsub\tsp, #40\n  \
                    1a:\tblx\tr3\n  1c:\tudf\t#0\n";
        let found = depth(main).unwrap();
        assert_eq!((found.stack, found.callback), (40, Some(40)));
    }

    #[test]
    fn what_cannot_be_followed_is_an_error() {
        let of = |body: &str| depth(&format!("00000010 <main>:\n{body}{LEAF}"));
        let cycle = "  10:\tbl\t20 <g>\n  12:\tbx\tlr\n00000020 <g>:\n  20:\tpush\t{lr}\n  22:\tbl\t10 <main>\n  24:\tpop\t{pc}\n";
        assert!(of(cycle).unwrap_err().starts_with("recursion: "));
        assert!(of("  10:\tpush\t{r4}\n  12:\tb.n\t10 <main>\n").is_err());
        assert!(of("  10:\tpop\t{r4}\n  12:\tbx\tlr\n").is_err());
        assert!(of("  10:\tbl\t99 <nowhere>\n  12:\tbx\tlr\n").is_err());
        assert!(of("  10:\tmov\tsp, r4\n  12:\tbx\tlr\n").is_err());
        assert!(of("  10:\tbl\t40 <leaf>\n  12:\tbx\tlr\n").is_ok());
    }

    #[test]
    fn a_bounded_recursion_counts_as_often_as_it_may_happen() {
        let walk = "00000010 <iotchain_core::cbor::check::walk>:\n  10:\tpush\t{r4, lr}\n  12:\tbl\t10 <w>\n  14:\tpop\t{r4, pc}\n";
        assert_eq!(depth(walk).map(|depth| depth.stack), Ok(7 * 8));
    }
}
