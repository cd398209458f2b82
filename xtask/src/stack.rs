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
const CONDITIONS: &[&str] = &[
    "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le",
];
/// The instructions that matter here, without width and condition.
const KNOWN: &[&str] = &[
    "push", "pop", "stmdb", "ldmia", "str", "strd", "ldr", "ldrd", "add", "addw", "sub", "subw",
    "b", "bl", "bx", "blx", "cbz", "cbnz", "tbb", "tbh", "udf",
];

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

/// A function of the image: its demangled name, and what happens to the stack.
struct Function {
    name: String,
    end: u64,
    lines: BTreeMap<u64, Line>,
}

/// A line of disassembly.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Instruction {
        /// Bytes that the stack grows by.
        growth: i64,
        flow: Flow,
    },
    /// Constants, and the tables of switches.
    Data(Vec<u8>),
    /// What must not be reached, and why: an instruction of another kind, or constants taken for one.
    Unknown(String),
}

/// Where an instruction leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Jump(u64),
    /// To there, or to the next one.
    Branch(u64),
    /// By a table behind it, of entries with so many bytes.
    Switch(usize),
    Call(u64),
    CallPointer,
    JumpPointer,
    Return,
    /// A return, or the next one.
    MayReturn,
    Trap,
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

    /// The address of the line behind that at `at`.
    fn next(&self, at: u64) -> u64 {
        let mut behind = self.lines.range(at + 1..);
        behind.next().map_or(self.end, |(next, _)| *next)
    }

    fn is_data(&self, at: u64) -> bool {
        matches!(self.lines.get(&at), Some(Line::Data(_)))
    }

    /// Where the table behind a switch leads: each entry counts pairs of bytes from the table on. What fills the table up
    /// leads to no instruction.
    fn table(&self, at: u64, width: usize) -> Vec<u64> {
        let table = self.next(at);
        let mut bytes = Vec::new();
        for (_, line) in self.lines.range(table..) {
            match line {
                Line::Data(data) => bytes.extend_from_slice(data),
                _ => break,
            }
        }
        let entries = bytes.chunks_exact(width).map(|entry| {
            let entry = entry.iter().rev();
            table + 2 * entry.fold(0, |high, low| high << 8 | u64::from(*low))
        });
        let is_code = |to: &u64| matches!(self.lines.get(to), Some(Line::Instruction { .. }));
        entries.filter(is_code).collect()
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

/// The names of what code and constants hold addresses of, by the relocations that a linker left in an image.
fn addresses_taken(printed: &str) -> impl Iterator<Item = &str> {
    let sections = printed.split("RELOCATION RECORDS FOR [").skip(1);
    let held = sections.filter(|section| {
        [".text", ".rodata"]
            .iter()
            .any(|name| section.starts_with(name))
    });
    held.flat_map(str::lines).filter_map(|line| {
        let (_, record) = line.split_once(' ')?;
        let (kind, name) = record.split_once(' ')?;
        let kind = kind.trim();
        let is_address = kind == "R_ARM_ABS32" || kind.contains("_MOVW_ABS");
        is_address.then_some(name.trim())
    })
}

/// The functions in what `objdump -d` prints, by their addresses.
fn functions(printed: &str) -> Result<BTreeMap<u64, Function>, String> {
    let mut functions: BTreeMap<u64, Function> = BTreeMap::new();
    let mut open: Option<(u64, Function)> = None;
    for line in printed.lines() {
        if let Some((address, name)) = head(line) {
            if let Some((start, mut function)) = open.take() {
                function.end = address;
                functions.insert(start, function);
            }
            let (name, lines) = (name.to_owned(), BTreeMap::new());
            open = Some((
                address,
                Function {
                    name,
                    end: u64::MAX,
                    lines,
                },
            ));
        } else if let (Some((_, function)), Some((address, words))) =
            (&mut open, line.split_once(":\t"))
        {
            let address = hex(address.trim())?;
            let (mnemonic, operands) = words.split_once('\t').unwrap_or((words, ""));
            let parsed = parse(mnemonic.trim(), operands);
            function
                .lines
                .insert(address, parsed.unwrap_or_else(Line::Unknown));
        }
    }
    functions.extend(open);
    // what begins with constants is a table, such as the vectors that a core starts with
    functions.retain(|address, function| !function.is_data(*address));
    Ok(functions)
}

/// The line that a function begins with: `00008000 <name>:`.
fn head(line: &str) -> Option<(u64, &str)> {
    let (address, name) = line.split_once(" <")?;
    Some((hex(address).ok()?, name.strip_suffix(">:")?))
}

/// What an instruction or a constant does.
fn parse(mnemonic: &str, operands: &str) -> Result<Line, String> {
    let operands = operands.split(['@', ';', '<']).next().unwrap_or_default();
    let operands = operands.trim();
    if let Some(width) = match mnemonic {
        ".word" => Some(4),
        ".short" => Some(2),
        ".byte" => Some(1),
        _ => None,
    } {
        let value = hex(operands.trim_start_matches("0x"))?.to_le_bytes();
        return Ok(Line::Data(value.into_iter().take(width).collect()));
    }
    let plain = mnemonic.trim_end_matches(".n").trim_end_matches(".w");
    let (plain, is_conditional) = without_condition(plain);
    let (first, rest) = operands.split_once(',').unwrap_or((operands, ""));
    let (first, rest) = (first.trim(), rest.trim());
    let writes_back = operands.contains("sp!")
        || operands.contains("[sp") && (operands.ends_with('!') || operands.contains("], #"));
    let from_sp = first == "sp" && (rest.starts_with('#') || rest.starts_with("sp, #"));
    let flow = |flow| Line::Instruction { growth: 0, flow };
    let grow = |growth| match is_conditional {
        true => Err("moves the stack pointer or not".to_owned()),
        false => Ok(Line::Instruction {
            growth,
            flow: Flow::Next,
        }),
    };
    let leave = match is_conditional {
        true => Flow::MayReturn,
        false => Flow::Return,
    };
    match plain {
        "push" => grow(registers(operands)?),
        "stmdb" if first == "sp!" => grow(registers(rest)?),
        "pop" if operands.contains("pc") => Ok(flow(leave)),
        "pop" => grow(-registers(operands)?),
        "ldmia" if first == "sp!" && rest.contains("pc") => Ok(flow(leave)),
        "ldmia" if first == "sp!" => grow(-registers(rest)?),
        "ldr" if first == "pc" && writes_back => Ok(flow(leave)),
        "str" | "strd" if writes_back => grow(-constant(operands)?),
        "ldr" | "ldrd" if writes_back => grow(-constant(operands)?),
        "sub" | "subw" if from_sp => grow(constant(rest)?),
        "add" | "addw" if from_sp => grow(-constant(rest)?),
        "b" if is_conditional => Ok(flow(Flow::Branch(hex(first)?))),
        "b" => Ok(flow(Flow::Jump(hex(first)?))),
        "cbz" | "cbnz" => Ok(flow(Flow::Branch(hex(rest)?))),
        "bl" => Ok(flow(Flow::Call(hex(first)?))),
        "blx" => Ok(flow(hex(first).map_or(Flow::CallPointer, Flow::Call))),
        "bx" if first == "lr" => Ok(flow(leave)),
        "bx" if !is_conditional => Ok(flow(Flow::JumpPointer)),
        "tbb" => Ok(flow(Flow::Switch(1))),
        "tbh" => Ok(flow(Flow::Switch(2))),
        "udf" => Ok(flow(Flow::Trap)),
        _ if first == "pc" => Err(String::from("a jump of an unknown kind")),
        "stmia" | "stmdb" | "ldmia" | "ldmdb" | "cmp" if first == "sp" => Ok(flow(Flow::Next)),
        _ if writes_back
            || first == "sp"
            || mnemonic.contains("push")
            || mnemonic.contains("pop") =>
        {
            Err(String::from("the stack pointer from elsewhere"))
        }
        _ => Ok(flow(Flow::Next)),
    }
}

/// A known instruction without its condition, and whether it has one.
fn without_condition(mnemonic: &str) -> (&str, bool) {
    if KNOWN.contains(&mnemonic) {
        return (mnemonic, false);
    }
    let conditional = KNOWN.iter().find(|known| {
        let condition = mnemonic.strip_prefix(**known);
        condition.is_some_and(|condition| CONDITIONS.contains(&condition))
    });
    conditional.map_or((mnemonic, false), |known| (known, true))
}

/// Bytes of a list of registers.
fn registers(list: &str) -> Result<i64, String> {
    let list = list
        .trim()
        .strip_prefix('{')
        .and_then(|list| list.strip_suffix('}'));
    let list = list.filter(|list| !list.contains('-'));
    let list = list.ok_or("a list of registers of an unknown kind")?;
    list.split(',').map(|_| Ok(4)).sum()
}

/// The constant at the end of operands, such as `[sp, #-4]!`.
fn constant(operands: &str) -> Result<i64, String> {
    let (_, number) = operands.rsplit_once('#').ok_or("no constant")?;
    let number = number.trim_end_matches(['!', ']']);
    number
        .parse()
        .map_err(|_| format!("`{number}` is no number"))
}

fn hex(word: &str) -> Result<u64, String> {
    u64::from_str_radix(word, 16).map_err(|_| format!("`{word}` is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction(growth: i64, flow: Flow) -> Result<Line, String> {
        Ok(Line::Instruction { growth, flow })
    }

    #[test]
    fn what_instructions_do_to_the_stack() {
        for (mnemonic, operands, growth) in [
            ("push", "{r4, r5, r6, r7, lr}", 20),
            ("stmdb", "sp!, {r8, r9, sl, fp}", 16),
            ("str.w", "r8, [sp, #-4]!", 4),
            ("sub.w", "sp, sp, #1184\t@ 0x4a0", 1184),
            ("sub", "sp, #16", 16),
            ("addw", "sp, sp, #1044\t@ 0x414", -1044),
            ("ldmia.w", "sp!, {r8, r9, sl, fp}", -16),
            ("ldr.w", "fp, [sp], #4", -4),
            ("pop", "{r4, lr}", -8),
            ("add", "r7, sp, #12", 0),
            ("stmia.w", "sp, {r0, r1}", 0),
            ("ldr", "r0, [sp, #4]", 0),
            ("bics", "r0, r1", 0),
        ] {
            assert_eq!(parse(mnemonic, operands), instruction(growth, Flow::Next));
        }
        for (mnemonic, operands) in [
            ("mov", "sp, r4"),
            ("sub.w", "sp, r7, #24"),
            ("sub.w", "sp, sp, r3"),
            ("vpush", "{d8-d9}"),
            ("popne", "{r4, lr}"),
            ("ldr.w", "pc, [r0]"),
        ] {
            assert!(parse(mnemonic, operands).is_err(), "{mnemonic} {operands}");
        }
    }

    #[test]
    fn where_instructions_lead() {
        for (mnemonic, operands, flow) in [
            ("b.n", "8136 <f+0x136>", Flow::Jump(0x8136)),
            ("bls.w", "8136 <f+0x136>", Flow::Branch(0x8136)),
            ("blt.n", "8136 <f+0x136>", Flow::Branch(0x8136)),
            ("cbnz", "r0, 8136 <f>", Flow::Branch(0x8136)),
            ("bl", "9000 <g>", Flow::Call(0x9000)),
            ("blx", "r3", Flow::CallPointer),
            ("bx", "r3", Flow::JumpPointer),
            ("bxne", "lr", Flow::MayReturn),
            ("bx", "lr", Flow::Return),
            ("pop", "{r4, pc}", Flow::Return),
            ("pophi", "{r7, pc}", Flow::MayReturn),
            ("ldr.w", "pc, [sp], #4", Flow::Return),
            ("tbh", "[pc, r2, lsl #1]", Flow::Switch(2)),
            ("udf", "#254\t@ 0xfe", Flow::Trap),
        ] {
            assert_eq!(
                parse(mnemonic, operands),
                instruction(0, flow),
                "{mnemonic}"
            );
        }
    }

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

    #[test]
    fn addresses_that_are_taken() {
        let printed = "\nRELOCATION RECORDS FOR [.text]:\nOFFSET   TYPE              VALUE\n00008004 R_ARM_THM_CALL    a::b\n\
                       00008008 R_ARM_THM_MOVW_ABS_NC  c::d\n\nRELOCATION RECORDS FOR [.rodata]:\n00009000 R_ARM_ABS32  <e as f>::g\n\
                       \nRELOCATION RECORDS FOR [.debug_info]:\n00000000 R_ARM_ABS32  h\n";
        let taken: Vec<&str> = addresses_taken(printed).collect();
        assert_eq!(taken, ["c::d", "<e as f>::g"]);
    }
}
