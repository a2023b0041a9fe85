import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus, Typing } from '../../src/link/bus.js';
import { until } from '../support/wait.js';

export interface BusUnderTest {
  /** Three members of one bus. */
  readonly members: readonly [Bus, Bus, Bus];
  /** What the ledger does after a commit. */
  hint(newest: number): void;
  close(): Promise<void>;
}

interface Heard {
  readonly newest: number[];
  readonly typing: Typing[];
}

/** What every Bus must do. Everything else (loss, repeats, order) is nobody's promise. */
export function busContract(name: string, open: () => Promise<BusUnderTest>): void {
  describe(`the bus: ${name}`, () => {
    let bus: BusUnderTest;
    let heard: Heard[];
    let sequence = 0;

    beforeEach(async () => {
      bus = await open();
      heard = bus.members.map((member) => {
        const own: Heard = { newest: [], typing: [] };
        member.onNewest((id) => own.newest.push(id));
        member.onTyping((typing) => own.typing.push(typing));
        return own;
      });
    });
    afterEach(() => bus.close());

    const typing = (chatId: number): Typing => {
      sequence += 1;
      return { chatId, userId: 7, on: true, worker: 'someone', sequence, position: 3 };
    };
    const heardBy = (member: number) => heard[member] as Heard;

    it('takes a hint of the newest id to every member', async () => {
      bus.hint(41);
      bus.hint(42);
      await until(() => heard.every(({ newest }) => newest.at(-1) === 42));
    });

    it('takes typing to the members that subscribed to the chat, the sender included, and to no others', async () => {
      const [first, second, third] = bus.members;
      first.subscribe(5);
      second.subscribe(5);
      third.subscribe(6);
      const signal = typing(5);
      const marker = typing(6);
      await until(() => {
        // Subscribing takes its time to reach whoever relays; typing may be lost meanwhile.
        first.publish(signal);
        first.publish(marker);
        return heardBy(0).typing.length > 0 && heardBy(1).typing.length > 0 && heardBy(2).typing.length > 0;
      });
      expect(heardBy(0).typing[0]).toEqual(signal);
      expect(heardBy(1).typing[0]).toEqual(signal);
      expect(heardBy(2).typing.every(({ chatId }) => chatId === 6)).toBe(true);
    });

    it('takes nothing more to a member that unsubscribed', async () => {
      const [first, second] = bus.members;
      second.subscribe(8);
      second.subscribe(9);
      await until(() => {
        first.publish(typing(8));
        return heardBy(1).typing.length > 0;
      });
      second.unsubscribe(8);
      // Once the newer subscription's signals come without the older's, the older is gone.
      await until(() => {
        const before = heardBy(1).typing.length;
        first.publish(typing(8));
        first.publish(typing(9));
        return (
          heardBy(1)
            .typing.slice(before - 4)
            .filter(({ chatId }) => chatId === 9).length >= 4
        );
      });
      const count = heardBy(1).typing.filter(({ chatId }) => chatId === 8).length;
      first.publish(typing(8));
      const marker = typing(9);
      first.publish(marker);
      await until(() => heardBy(1).typing.some(({ sequence: seen }) => seen === marker.sequence));
      expect(heardBy(1).typing.filter(({ chatId }) => chatId === 8).length).toBe(count);
    });

    it('counts a repeated subscription as one', async () => {
      const [first, second] = bus.members;
      second.subscribe(11);
      second.subscribe(11);
      const signal = typing(11);
      await until(() => {
        first.publish(typing(11));
        return heardBy(1).typing.length > 0;
      });
      first.publish(signal);
      const marker = typing(11);
      first.publish(marker);
      await until(() => heardBy(1).typing.some(({ sequence: seen }) => seen === marker.sequence));
      expect(heardBy(1).typing.filter(({ sequence: seen }) => seen === signal.sequence)).toHaveLength(1);
    });
  });
}
