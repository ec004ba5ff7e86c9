import type { ArrivingShape } from './shape-mix.ts';

/** How finely remainders are told apart, in thousandths of a device. */
const step = 10;
const whole = 1000;

export interface RemainderOptions {
  /** How surely a remainder is filled: it stays as it is with probability e^(-eagerness × share of pods that fit). */
  readonly eagerness: number;
  /** How choosy placement is between fillers, in thousandths: those that waste this much more are taken e times less. */
  readonly choosiness: number;
}

/**
 * What is expected to stay unused of a device, for each amount that is free on it now.
 *
 * A device of which 190 thousandths are free is as good as full when hardly a pod asks for so little;
 * one of which 530 are free will be filled by a 320 and a 210. For each remainder, from small to
 * large: it stays if nothing that fits arrives; else the arrivals that fit leave their own remainder,
 * of which the expectation is known already.
 */
export class DeviceRemainders {
  readonly #waste = new Float64Array(whole / step + 1);

  constructor(mix: readonly ArrivingShape[], { eagerness, choosiness }: RemainderOptions) {
    let withDevices = 0;
    const shares = new Map<number, number>();
    for (const { devices, deviceMilli, share } of mix) {
      if (devices === 0) continue;
      withDevices += share;
      if (devices === 1) shares.set(Math.ceil(deviceMilli / step), (shares.get(Math.ceil(deviceMilli / step)) ?? 0) + share);
    }
    const fillers = [...shares].map(([size, share]) => ({ size, share: share / withDevices })).sort((a, b) => a.size - b.size);
    const waste = this.#waste;
    for (let free = 1; free < waste.length; free += 1) {
      let fitting = 0;
      let weights = 0;
      let expected = 0;
      for (const { size, share } of fillers) {
        if (size > free) break;
        const left = waste[free - size] ?? 0;
        const weight = share * Math.exp(-left / choosiness);
        fitting += share;
        weights += weight;
        expected += weight * left;
      }
      const stays = Math.exp(-eagerness * fitting);
      waste[free] = weights > 0 ? stays * free * step + (1 - stays) * (expected / weights) : free * step;
    }
  }

  /** Expected waste of a device with `freeMilli` free, in thousandths. */
  waste(freeMilli: number): number {
    return this.#waste[Math.floor(freeMilli / step)] ?? 0;
  }
}
