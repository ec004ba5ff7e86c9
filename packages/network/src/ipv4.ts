/** Whether the text is an IPv4 address. What goes into rules must have passed this: addresses come from users. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Whether the text is an IPv4 range such as `10.0.0.0/8`. */
export function isIpv4Cidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  return rest.length === 0 && isIpv4(address) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32;
}

/** Whether `address` lies in `cidr`; both must be valid. */
export function contains(cidr: string, address: string): boolean {
  const [base = '', prefix = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(prefix));
  return Math.floor(toNumber(base) / size) === Math.floor(toNumber(address) / size);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
