//! Many responses at once, for a gateway that checks one small object after another.
//!
//! Two by two, the cipher works on both in step ([`iotchain_core::lockstep`]); all else happens to one after the other,
//! in their order. A response that fails before its AEAD, that is signed, or whose key is not yet at hand is opened by
//! itself, and its neighbour too.

use crate::keys::Place;
use crate::receiver::{Ready, Source, wipe};
use crate::structure::{Binding, Bound};
use crate::{Directory, Exchange, Freshness, Mode, Opened, Receiver, ResourceId, Sessions};
use iotchain_core::Result;
use iotchain_core::lockstep::{Sealed, open_pair};

/// The arguments of one [`Receiver::open_response`].
#[derive(Debug)]
pub struct Response<'a> {
    /// The object in it.
    pub object: &'a [u8],
    /// The resource that was asked for.
    pub resource: &'a ResourceId<'a>,
    /// Its CoAP code.
    pub code: u8,
    /// The request it answers.
    pub exchange: &'a mut Exchange,
    /// Whether it may be signed.
    pub freshness: Freshness<'a>,
    /// Where the plaintext goes, at the front.
    pub out: &'a mut [u8],
}

/// A response whose key is at hand and that passed all steps before the AEAD.
struct AtHand<'a> {
    ready: Ready<'a>,
    place: usize,
}

impl<S, D, const N: usize, const K: usize> Receiver<'_, S, D, N, K>
where
    S: Sessions + ?Sized,
    D: Directory + ?Sized,
{
    /// Opens responses, each as by [`Receiver::open_response`], and hands the outcome of each to `each`, in their order.
    /// A failed one stops none of the others. As many keys as senders and resources take part should fit `K`.
    ///
    /// ```
    /// # use iotchain_oscar::{Directory, Exchange, Freshness, Receiver, ResourceId, Response, Sessions};
    /// # fn gateway<S: Sessions, D: Directory>(
    /// #     receiver: &mut Receiver<'_, S, D>, resource: &ResourceId<'_>,
    /// #     queue: &mut [(Exchange, [u8; 80], [u8; 64])],
    /// # ) {
    /// let responses = queue.iter_mut().map(|(exchange, object, out)| Response {
    ///     object, resource, code: 69, exchange, freshness: Freshness::Demanded, out,
    /// });
    /// let mut refused = 0;
    /// receiver.open_batch(responses, |opened| refused += usize::from(opened.is_err()));
    /// # }
    /// ```
    pub fn open_batch<'a>(
        &mut self,
        responses: impl IntoIterator<Item = Response<'a>>,
        mut each: impl FnMut(Result<Opened>),
    ) {
        let mut responses = responses.into_iter();
        while let Some(first) = responses.next() {
            match responses.next() {
                Some(second) => self
                    .open_two([first, second])
                    .into_iter()
                    .for_each(&mut each),
                None => each(self.open_one(first)),
            }
        }
    }

    fn open_one(&mut self, response: Response<'_>) -> Result<Opened> {
        let Response {
            object,
            resource,
            code,
            exchange,
            freshness,
            out,
        } = response;
        self.open_response(object, resource, code, exchange, freshness, out)
    }

    fn open_two(&mut self, pair: [Response<'_>; 2]) -> [Result<Opened>; 2] {
        let [mut a, mut b] = pair;
        let ready = self.ready(&a).zip(self.ready(&b));
        let decrypted = ready.and_then(|(first, second)| {
            let lens = self.decrypt([(&first, &mut a), (&second, &mut b)])?;
            Some((first, second, lens))
        });
        match decrypted {
            Some((first, second, [len_a, len_b])) => [
                self.settle(&first, len_a, a),
                self.settle(&second, len_b, b),
            ],
            None => [self.open_one(a), self.open_one(b)],
        }
    }

    /// Steps 1 to 7, if they pass and the key is at hand. Nothing is changed.
    fn ready<'a>(&self, response: &Response<'a>) -> Option<AtHand<'a>> {
        let ready = self
            .admit_group(response.object, response.resource)
            .ok()??;
        match ready.source {
            Source::Kept(place) => Some(AtHand { ready, place }),
            Source::Derived(_) => None,
        }
    }

    /// The AEAD of step 8, for both in step; `None` before anything was written.
    fn decrypt(&self, pair: [(&AtHand<'_>, &mut Response<'_>); 2]) -> Option<[Result<usize>; 2]> {
        let [(first, a), (second, b)] = pair;
        let [key_a, key_b] = self.keys.pair([first.place, second.place])?;
        // both may be of the same key, so each has additional data of its own
        let (mut aad_a, mut aad_b) = (key_a.aad.clone(), key_b.aad.clone());
        aad_a.rewrite(first.bound(a)).ok()?;
        aad_b.rewrite(second.bound(b)).ok()?;
        let nonce_a = key_a.key.nonce(first.ready.origin.piv);
        let nonce_b = key_b.key.nonce(second.ready.origin.piv);
        Some(open_pair([
            Sealed {
                key: key_a.key.key(),
                nonce: &nonce_a,
                aad: aad_a.blocks(),
                ciphertext: first.ready.ciphertext,
                out: a.out,
            },
            Sealed {
                key: key_b.key.key(),
                nonce: &nonce_b,
                aad: aad_b.blocks(),
                ciphertext: second.ready.ciphertext,
                out: b.out,
            },
        ]))
    }

    /// Steps 8 to 11, with what the AEAD said. The neighbour's failure may have been the last one that was tolerated.
    fn settle(
        &mut self,
        at_hand: &AtHand<'_>,
        len: Result<usize>,
        response: Response<'_>,
    ) -> Result<Opened> {
        let Response { exchange, out, .. } = response;
        let AtHand { ready, place } = at_hand;
        let origin = &ready.origin;
        let checked = self.check_failures(origin);
        checked.inspect_err(|_| wipe(out, len.unwrap_or_default()))?;
        self.keys.at(Place::Kept(*place))?;
        let len = self.settle_group(origin, len, exchange, out)?;
        Ok(Opened::of(origin, Mode::Group, ready.content_format, len))
    }
}

impl AtHand<'_> {
    /// What the response is bound to.
    fn bound<'b>(&'b self, response: &'b Response<'_>) -> Bound<'b> {
        Bound {
            protected: self.ready.protected,
            resource: response.resource,
            binding: Binding::of_response(response.code, response.exchange.token()),
        }
    }
}
